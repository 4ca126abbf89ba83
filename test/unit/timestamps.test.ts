import { expect, test } from 'vitest';
import { canonicalTimestamp } from '../../src/api/wire/values.ts';
import { forSeeds } from '../support/random.ts';

test('whatever stands in place of any character of a good time: the answer is that of the calendar', () =>
  forSeeds(300, (random) => {
    const good = '2026-01-02T03:04:05Z';
    const at = random.below(good.length);
    const text = `${good.slice(0, at)}${random.pick([...'0123456789-:TZ./x '])}${good.slice(at + 1)}`;
    const isTime =
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text)) && !text.startsWith('0000');
    const real = isTime && new Date(text).toISOString().startsWith(text.slice(0, 19));
    expect(canonicalTimestamp(text), text).toBe(real ? text : undefined);
  }));
