// Refresh tokens in the store: each works once, a second use ends the session, and both clocks of a session count.

import { expect, test } from 'vitest';
import { refusal, rotate, startFamily } from '../../src/local/sessions/refresh-tokens.ts';
import { personId } from '../support/ids.ts';
import { testStore } from '../support/store.ts';

const issuer = 'https://issuer.example.com';
const day = 24 * 60 * 60 * 1000;

async function begin() {
  const { store, clock } = await testStore();
  const session = {
    identity: personId('dev@example.com'),
    audience: ['a', 'b'],
    actor: { act: { sub: 'dev' }, email: 'dev@example.com', emailVerified: true, profile: { name: 'Dev' } },
    limits: [{ scopes: ['folder'], capabilities: ['groups.list'] }],
    provider: 'provider',
  };
  const start = () => store.transact((tx) => startFamily(tx, issuer, session));
  const use = (token: string) => store.transact((tx) => rotate(tx, issuer, token));
  const next = (token: string): string => {
    const rotation = use(token);
    if (rotation.status !== 'good') throw new Error(rotation.reason);
    return rotation.next.token;
  };
  const reason = (token: string): string => {
    const rotation = use(token);
    return rotation.status === 'good' ? 'good' : rotation.reason;
  };
  const count = (table: string) => Number(store.read((tx) => tx.get(`SELECT COUNT(*) AS n FROM ${table}`))?.['n']);
  return { store, clock, session, start, use, next, reason, count };
}

test('a token says for whom and until when, gives the session back, and is not kept', async () => {
  const { store, clock, session, start, use } = await begin();
  const { token, expiresAt } = start();
  expect(expiresAt).toBe(clock.now() + 7 * day);
  expect(JSON.parse(Buffer.from(token, 'base64').toString())).toMatchObject({
    iss: issuer,
    sub: session.identity,
    aud: session.audience,
    exp: Math.floor(expiresAt / 1000),
  });
  expect(JSON.stringify(store.read((tx) => tx.all('SELECT * FROM refresh_tokens')))).not.toContain(token);
  const rotation = use(token);
  expect(rotation).toMatchObject({ status: 'good', session });
});

test('a token that is unknown, or changed, is refused', async () => {
  const { start, reason } = await begin();
  const { token } = start();
  expect([reason(''), reason(`${token}x`), reason(token.slice(1))]).toEqual(
    Array(3).fill('the refresh token is not known'),
  );
  expect(refusal({ status: 'refused', reason: 'why' })).toMatchObject({ code: 16, message: 'why' });
});

test('a second use ends the session, whichever of its tokens it is, and that of no other sign-in', async () => {
  const { start, next, reason } = await begin();
  const [first, other] = [start().token, start().token];
  const second = next(first);
  const third = next(second);
  expect(reason(first)).toBe('the refresh token has been used before; its whole session is ended');
  for (const token of [first, second, third]) expect(reason(token)).toBe('the refresh token has been revoked');
  expect(reason(other)).toBe('good');
});

test('a token ends after a week, to the millisecond, and a session that is used goes on', async () => {
  const { clock, start, next, reason } = await begin();
  const [kept, left] = [start().token, start().token];
  clock.advance(7 * day - 1);
  const second = next(kept);
  clock.advance(1);
  expect(reason(left)).toBe('the refresh token has expired');
  clock.advance(7 * day - 2);
  expect(reason(second)).toBe('good');
});

test('a session ends thirty days after it began, however often it is used', async () => {
  const { clock, start, use } = await begin();
  const began = clock.now();
  let { token } = start();
  for (let days = 6; days <= 24; days += 6) {
    clock.advance(6 * day);
    const rotation = use(token);
    if (rotation.status !== 'good') throw new Error(rotation.reason);
    token = rotation.next.token;
    expect(rotation.next.expiresAt).toBe(Math.min(clock.now() + 7 * day, began + 30 * day));
  }
  clock.advance(6 * day - 1);
  const last = use(token);
  expect(last).toMatchObject({ status: 'good', next: { expiresAt: began + 30 * day } });
  clock.advance(1);
  expect(use(last.status === 'good' ? last.next.token : '')).toMatchObject({ status: 'refused' });
});

test('sessions that are over are forgotten at the next sign-in, those that go on are kept whole', async () => {
  const { clock, start, next, reason, count } = await begin();
  const [live, over, ended] = [start().token, start().token, start().token];
  next(ended);
  reason(ended);
  expect([count('refresh_tokens'), count('revoked_families')]).toEqual([4, 1]);
  clock.advance(7 * day - 1);
  const second = next(live);
  start();
  expect([count('refresh_tokens'), count('revoked_families')]).toEqual([6, 1]);
  clock.advance(1);
  start();
  // The used token of the session that goes on still tells a thief.
  expect([count('refresh_tokens'), count('revoked_families')]).toEqual([4, 0]);
  expect([reason(over), reason(live), reason(second)]).toEqual([
    'the refresh token is not known',
    'the refresh token has been used before; its whole session is ended',
    'the refresh token has been revoked',
  ]);
});
