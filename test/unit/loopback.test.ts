import { expect, test } from 'vitest';
import { isLoopbackHost, isPrivateUrl } from '../../src/loopback.ts';

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.1', '::1', '[::1]'])('%s is this machine', (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

// Names below localhost are left to the resolver, which may ask a server.
test.each([
  '',
  'app.localhost',
  'localhost.example',
  '127.0.0.1.example',
  '127.1',
  '128.0.0.1',
  '::',
  '0.0.0.0',
  '[::2]',
])('%j is not', (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});

test.each([
  ['https://example.com', true],
  ['http://localhost:8080/hook', true],
  ['http://[::1]:8080', true],
  // Another spelling of 127.0.0.1, which URL brings into the usual one.
  ['http://0x7f000001/', true],
  ['http://example.com', false],
  ['ftp://localhost', false],
])('whether nobody is in between: %s %j', (url, expected) => {
  expect(isPrivateUrl(new URL(url))).toBe(expected);
});
