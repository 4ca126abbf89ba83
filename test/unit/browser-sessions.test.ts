// Logins that browsers hold at the platform: whose they are, how long they last, and how their tokens are renewed.

import { expect, test } from 'vitest';
import { createBrowserSessions } from '../../src/local/issuer/browser-sessions.ts';
import { TestClock } from '../support/platform.ts';

const minute = 60_000;
const hour = 60 * minute;

interface Exchanged {
  readonly bearer: string;
  readonly audience: readonly string[] | undefined;
}

function begin({ url = 'http://127.0.0.1:8080', lives = hour, fails = false } = {}) {
  const clock = new TestClock();
  const exchanged: Exchanged[] = [];
  const sessions = createBrowserSessions({
    exchange: async (bearer, { aud }) => {
      exchanged.push({ bearer, audience: aud });
      if (fails) throw new Error('refused');
      const { length } = exchanged;
      return {
        token: { token: `token ${length}`, expiry: new Date(clock.now() + lives).toISOString() },
        refreshToken: { token: `refresh ${length}`, expiry: '' },
      };
    },
    audience: 'api',
    clock,
    url,
  });
  const login = (more: { readonly refreshToken?: string; readonly lives?: number } = { refreshToken: 'refresh 0' }) =>
    sessions.begin({
      token: 'token 0',
      refreshToken: more.refreshToken,
      expiresAt: clock.now() + (more.lives ?? lives),
    });
  const find = (cookie: string | undefined) => sessions.find({ headers: cookie === undefined ? {} : { cookie } });
  return { clock, exchanged, login, find, pair: (...more: Parameters<typeof login>) => pairOf(login(...more)) };
}

const pairOf = (cookie: string) => cookie.split(';')[0] ?? '';

test('the cookie names the port, is out of reach of scripts and sites, and is encrypted where the page is', () => {
  expect(begin().login()).toMatch(/^chainctl-console-8080=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Lax$/);
  expect(begin({ url: 'https://console.example' }).login()).toMatch(
    /^chainctl-console-https=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Lax; Secure$/,
  );
});

test('a login is found by its own cookie, among whichever others, and by nothing else', () => {
  const { pair, find } = begin();
  const [mine, other] = [pair(), pair()];
  const [name = '', value = ''] = mine.split('=');
  const session = find(mine);
  expect(session).toBeDefined();
  expect(find(other)).not.toBe(session);
  for (const good of [`a=b; ${mine}`, `${mine};a=b`, `${name}=stale; ${mine}`]) expect(find(good), good).toBe(session);
  for (const bad of [undefined, '', name, `${name}=`, `${name}=${value}x`, `x${mine}`, `other=${value}`]) {
    expect(find(bad), bad).toBeUndefined();
  }
});

test('a login that nobody uses ends after twelve hours, and each use begins them anew', () => {
  const { clock, pair, find } = begin();
  const [used, left] = [pair(), pair()];
  clock.advance(12 * hour - 1);
  expect(find(used)).toBeDefined();
  clock.advance(1);
  expect(find(left)).toBeUndefined();
  clock.advance(12 * hour - 2);
  expect(find(used)).toBeDefined();
  clock.advance(12 * hour);
  expect(find(used)).toBeUndefined();
});

test('a thousand are kept, and the one that was used longest ago goes first', () => {
  const { pair, find } = begin();
  const [first, second, third] = [pair(), pair(), pair()];
  for (let count = 3; count < 1000; count += 1) pair();
  expect(find(first)).toBeDefined();
  pair();
  expect([find(first), find(second), find(third)].map((session) => session !== undefined)).toEqual([true, false, true]);
});

test('a token is used for five minutes, then its refresh token brings the next, and that the one after', async () => {
  const { clock, exchanged, pair, find } = begin();
  const session = find(pair());
  clock.advance(5 * minute - 1);
  expect(await session?.accessToken()).toBe('token 0');
  clock.advance(1);
  expect(await session?.accessToken()).toBe('token 1');
  clock.advance(5 * minute - 1);
  expect(await session?.accessToken()).toBe('token 1');
  clock.advance(1);
  expect(await session?.accessToken()).toBe('token 2');
  expect(exchanged).toEqual([
    { bearer: 'refresh 0', audience: ['api'] },
    { bearer: 'refresh 1', audience: ['api'] },
  ]);
});

test('what was granted meanwhile is in the next token', async () => {
  const { pair, find } = begin();
  const session = find(pair());
  session?.renew();
  expect([await session?.accessToken(), await session?.accessToken()]).toEqual(['token 1', 'token 1']);
});

test('requests at the same time share one exchange: a refresh token is good once', async () => {
  const { clock, exchanged, pair, find } = begin();
  const session = find(pair());
  clock.advance(5 * minute);
  expect(await Promise.all([session?.accessToken(), session?.accessToken()])).toEqual(['token 1', 'token 1']);
  expect(exchanged).toHaveLength(1);
});

test('a refused exchange ends the login', async () => {
  const { clock, pair, find } = begin({ fails: true });
  const mine = pair();
  const session = find(mine);
  clock.advance(5 * minute);
  await expect(session?.accessToken()).rejects.toMatchObject({ code: 16, message: 'the login has ended' });
  expect(find(mine)).toBeUndefined();
});

test('without a refresh token the login ends with its token, to the millisecond', async () => {
  const { clock, exchanged, pair, find } = begin();
  const mine = pair({ lives: hour });
  clock.advance(hour - 1);
  const session = find(mine);
  expect(await session?.accessToken()).toBe('token 0');
  clock.advance(1);
  await expect(session?.accessToken()).rejects.toMatchObject({ code: 16, message: 'the login has ended' });
  expect(find(mine)).toBeUndefined();
  expect(exchanged).toEqual([]);
});

test('a renewed token lives as long as it says', async () => {
  const { clock, pair, find } = begin({ lives: 4 * minute });
  const session = find(pair({ refreshToken: 'refresh 0', lives: 6 * minute }));
  clock.advance(5 * minute);
  expect(await session?.accessToken()).toBe('token 1');
  clock.advance(4 * minute);
  await expect(session?.accessToken()).rejects.toMatchObject({ message: 'the login has ended' });
});

test('signing out ends this login at once, takes the cookie away, and leaves others alone', () => {
  const { pair, find } = begin();
  const [mine, other] = [pair(), pair()];
  expect(find(mine)?.end()).toBe('chainctl-console-8080=; Path=/console; HttpOnly; SameSite=Lax; Max-Age=0');
  expect([find(mine), find(other) !== undefined]).toEqual([undefined, true]);
});
