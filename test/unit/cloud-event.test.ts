import { expect, test } from 'vitest';
import { headerValue } from '../../src/local/events/cloud-event.ts';

test('attribute values are encoded as the HTTP binding of CloudEvents says', () => {
  expect(headerValue('dev.chainguard.api.iam.group.created.v1')).toBe('dev.chainguard.api.iam.group.created.v1');
  expect(headerValue('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
  expect(headerValue('50% "off"\r\nx: y')).toBe('50%25%20%22off%22%0D%0Ax:%20y');
});
