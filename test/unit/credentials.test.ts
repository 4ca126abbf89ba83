// The Authorization header, one reading for all protocols, and the names that a platform answers to.

import { describe, expect, test } from 'vitest';
import { anonymous } from '../../src/local/core/types.ts';
import { authenticate, readCredentials, requireToken, tokenOf } from '../../src/local/http/credentials.ts';
import { isOwnHost } from '../../src/local/http/host-check.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

test.each<[string | undefined, object]>([
  [undefined, { kind: 'none' }],
  ['', { kind: 'none' }],
  ['  ', { kind: 'none' }],
  ['Bearer token', { kind: 'bearer', token: 'token' }],
  ['bEARER   token', { kind: 'bearer', token: 'token' }],
  [' Bearer token ', { kind: 'bearer', token: 'token' }],
  ['Bearer', { kind: 'malformed' }],
  ['Basic', { kind: 'malformed' }],
  ['Bearer a b', { kind: 'malformed' }],
  ['Digest token', { kind: 'malformed' }],
  ['xBearer token', { kind: 'malformed' }],
  ['token', { kind: 'bare', token: 'token' }],
  ['Bearertoken', { kind: 'bare', token: 'Bearertoken' }],
  [`Basic ${base64('user:pass:word')}`, { kind: 'basic', user: 'user', password: 'pass:word' }],
  [`basic ${base64(':')}`, { kind: 'basic', user: '', password: '' }],
  [`Basic ${base64('user')}`, { kind: 'basic', user: '', password: '' }],
  [`Basic ${base64('user:a\nb')}`, { kind: 'basic', user: 'user', password: 'a\nb' }],
])('%j is read', (header, credentials) => {
  expect(readCredentials(header)).toEqual(credentials);
});

test('a token comes with the word Bearer or alone, and in no other way', () => {
  expect([tokenOf('Bearer token'), tokenOf('token')]).toEqual(['token', 'token']);
  for (const header of [undefined, '', 'Bearer', 'Digest x', `Basic ${base64('a:token')}`]) {
    expect(tokenOf(header), header).toBeUndefined();
    expect(() => requireToken(header), header).toThrow('the request has no authorization token');
  }
});

test('a token is for one of the audiences, whichever of its own', async () => {
  const check = (audience: string[], header = 'Bearer token') =>
    authenticate(header, ['https://a.example', 'https://b.example'], async () => ({ ...anonymous, audience }));
  for (const audience of [
    ['https://a.example'],
    ['https://b.example'],
    ['https://a.example/'],
    ['x', 'https://b.example'],
  ]) {
    expect((await check(audience)).audience).toEqual(audience);
  }
  for (const audience of [[], ['https://c.example'], ['https://a.example/x'], ['a.example'], ['https://a.example//']]) {
    const wrong = { code: 16, message: 'the token is not for the audience https://a.example' };
    await expect(check(audience), String(audience)).rejects.toMatchObject(wrong);
  }
  await expect(check(['https://a.example'], '')).rejects.toMatchObject({ code: 16 });
});

describe('a Host header names this platform', () => {
  const names = (host: string | undefined, listen = '127.0.0.1', aliases: string[] = []) =>
    isOwnHost(host, listen, 4000, aliases);

  test.each(['127.0.0.1:4000', 'localhost:4000', 'LOCALHOST:4000', 'a.localhost:4000', '[::1]:4000'])(
    'as %s',
    (host) => {
      expect(names(host)).toBe(true);
    },
  );

  test.each([
    undefined,
    '',
    'localhost',
    'localhost:4001',
    'localhost:040000',
    'evil.example:4000',
    'localhost.evil.example:4000',
    'evil-localhost:4000',
    'x@localhost:4000',
    'localhost:4000 ',
    'localhost:4000/',
    'localhost:4000,evil.example',
    '10.0.0.1:4000',
    '[::1',
    '[fe80::1]:4000',
  ])('not as %s', (host) => {
    expect(names(host)).toBe(false);
  });

  test('by the name it listens on, on its port', () => {
    expect([names('box.example:4000', 'Box.example'), names('box.example:4001', 'box.example')]).toEqual([true, false]);
    expect(names('other.example:4000', 'box.example')).toBe(false);
  });

  test('by any address where it listens on all, and by no other name', () => {
    for (const listen of ['0.0.0.0', '::']) {
      expect([names('10.0.0.1:4000', listen), names('[fe80::1]:4000', listen)]).toEqual([true, true]);
      expect([names('10.0.0.1:4001', listen), names('evil.example:4000', listen)]).toEqual([false, false]);
    }
    expect(names('10.0.0.1:4000', '10.0.0.2')).toBe(false);
  });

  test('by an alias on any port, in any letters, and whole', () => {
    const aliases = ['Console-API.enforce.dev'];
    expect([
      names('console-api.enforce.dev', '127.0.0.1', aliases),
      names('CONSOLE-API.enforce.dev:1', '127.0.0.1', aliases),
    ]).toEqual([true, true]);
    expect(names('x.console-api.enforce.dev', '127.0.0.1', aliases)).toBe(false);
  });

  test('on port 80 without saying so', () => {
    expect([isOwnHost('localhost', '127.0.0.1', 80), isOwnHost('localhost:80', '127.0.0.1', 80)]).toEqual([true, true]);
  });
});
