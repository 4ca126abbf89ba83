// Refresh tokens over loopback HTTP, begun by a real sign-in on the platform's page.

import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { demoOrganizations, dev } from '../support/ids.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { signInByForm } from '../support/sign-in.ts';

const day = 24 * 60 * 60 * 1000;

async function start(parameters: Readonly<Record<string, string>> = {}) {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock, modules: [] });
  const { searchParams } = await signInByForm(
    platform,
    { create_refresh_token: 'true', audience: platform.urls.api, ...parameters },
    { email: 'dev@example.com' },
  );
  return { clock, platform, refreshToken: searchParams.get('refresh_token') ?? '' };
}

function refresh(platform: TestPlatform, bearer: string, parameters: object = {}): Promise<Answer> {
  const query = new URLSearchParams({ aud: platform.urls.api, ...parameters });
  return platform.call(bearer, 'POST', `/sts/exchange_refresh_token?${query}`);
}

function content(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token, 'base64').toString());
}

test('a refresh gives both tokens anew, for any audience', async () => {
  const { platform, clock, refreshToken } = await start();
  clock.advance(2 * 60 * 60 * 1000);
  const answer = await refresh(platform, refreshToken, { aud: 'cgr.dev' });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    token: { token: expect.any(String), refreshToken: '', expiry: '2026-03-27T16:55:00Z' },
    refreshToken: { token: expect.any(String), refreshToken: '', expiry: '2026-04-03T15:55:00.785Z' },
  });
  expect(decodeJwt(answer.body.token.token)).toMatchObject({
    sub: dev,
    aud: 'cgr.dev',
    email: 'dev@example.com',
    act: { iss: 'https://auth.chainguard.dev/', aud: platform.urls.issuer },
    upstream: { name: 'Dev Example' },
  });
  expect(answer.body.refreshToken.token).not.toBe(refreshToken);
  expect((await refresh(platform, answer.body.refreshToken.token)).status).toBe(200);
});

test('a refresh token is padded base64 of JSON with its expiry, and only its digest is kept', async () => {
  const { platform, clock, refreshToken } = await start();
  expect(refreshToken).toMatch(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
  expect(content(refreshToken)).toMatchObject({
    exp: Math.floor((clock.now() + 7 * day) / 1000),
    iss: platform.urls.issuer,
    sub: dev,
    aud: [platform.urls.api],
  });
  const rows = platform.store.read((tx) => tx.all('SELECT * FROM refresh_tokens'));
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(refreshToken);
  expect(JSON.stringify(rows)).not.toContain(String(content(refreshToken)['jti']));
});

test('using a refresh token twice ends the whole session', async () => {
  const { platform, refreshToken } = await start();
  const second = (await refresh(platform, refreshToken)).body.refreshToken.token;
  const reuse = await refresh(platform, refreshToken);
  expect([reuse.status, reuse.body.code]).toEqual([401, 16]);
  expect(reuse.body.message).toBe('the refresh token has been used before; its whole session is ended');
  const after = await refresh(platform, second);
  expect([after.status, after.body.message]).toEqual([401, 'the refresh token has been revoked']);
});

test('of many at once with one token a single one succeeds', async () => {
  const { platform, refreshToken } = await start();
  const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(platform, refreshToken)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
});

test('a session ends after a week of silence and after a month at most', async () => {
  const { platform, clock, refreshToken } = await start();
  let token = refreshToken;
  for (let round = 0; round < 4; round += 1) {
    clock.advance(7 * day - 1000);
    const answer = await refresh(platform, token);
    expect(answer.status).toBe(200);
    token = answer.body.refreshToken.token;
  }
  // 28 days have passed: two are left, not seven.
  expect(Number(content(token)['exp']) * 1000 - clock.now()).toBeLessThan(2 * day + 10_000);
  clock.advance(2 * day + 10_000);
  expect((await refresh(platform, token)).body.message).toBe('the refresh token has expired');

  const idle = await signInByForm(platform, { create_refresh_token: 'true' }, { email: 'dev@example.com' });
  clock.advance(7 * day);
  const late = await refresh(platform, idle.searchParams.get('refresh_token') ?? '');
  expect([late.status, late.body.message]).toEqual([401, 'the refresh token has expired']);
  // Sessions that are over are forgotten when the next one begins.
  await signInByForm(platform, { create_refresh_token: 'true' }, { email: 'dev@example.com' });
  expect(platform.store.read((tx) => tx.all('SELECT digest FROM refresh_tokens'))).toHaveLength(1);
});

test('a used token of a session that goes on is still known when others begin, and ends it when it is used again', async () => {
  const { platform, clock, refreshToken } = await start();
  const begin = () => signInByForm(platform, { create_refresh_token: 'true' }, { email: 'dev@example.com' });
  clock.advance(6 * day);
  const second = (await refresh(platform, refreshToken)).body.refreshToken.token;
  // By now the first would be over by itself; its successor is not.
  clock.advance(2 * day);
  await begin();
  const reuse = await refresh(platform, refreshToken);
  expect(reuse.body.message).toBe('the refresh token has been used before; its whole session is ended');
  await begin();
  expect((await refresh(platform, second)).body.message).toBe('the refresh token has been revoked');
  // What a week of silence ends is forgotten with the note that it was revoked, and nothing else is.
  const living = (await begin()).searchParams.get('refresh_token') ?? '';
  const rows = (table: string) => platform.store.read((tx) => tx.all(`SELECT * FROM ${table}`)).length;
  expect(rows('revoked_families')).toBe(1);
  clock.advance(5 * day);
  expect((await refresh(platform, living)).status).toBe(200);
  clock.advance(2 * day + 1);
  await begin();
  expect([rows('revoked_families'), rows('refresh_tokens')]).toEqual([0, 3]);
});

test('what is not a refresh token is refused', async () => {
  const { platform, refreshToken } = await start();
  const forged = { ...content(refreshToken), exp: 4_000_000_000 };
  for (const bearer of ['x', Buffer.from(JSON.stringify(forged)).toString('base64'), refreshToken.replace(/=*$/, '')]) {
    if (bearer === refreshToken) continue;
    const answer = await refresh(platform, bearer);
    expect([answer.status, answer.body.message]).toEqual([401, 'the refresh token is not known']);
  }
  const missing = await platform.call(refreshToken, 'POST', '/sts/exchange_refresh_token');
  expect([missing.status, missing.body.message]).toEqual([400, 'Audience must be specified']);
  const get = await platform.call(refreshToken, 'GET', '/sts/exchange_refresh_token?aud=x');
  expect([get.status, get.body.code]).toEqual([501, 12]);
});

test('a session of a deleted user is over', async () => {
  const { platform, refreshToken } = await start();
  platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', dev));
  expect((await refresh(platform, refreshToken)).status).toBe(401);
});

test('a refresh can narrow, a refused one uses nothing up, and a narrow sign-in stays narrow', async () => {
  const organization = demoOrganizations.private;
  const { platform, refreshToken } = await start();
  expect((await refresh(platform, refreshToken, { scope: demoOrganizations.public })).status).toBe(403);
  expect((await refresh(platform, refreshToken, { cap: 'nonsense' })).status).toBe(400);
  const narrowed = await refresh(platform, refreshToken, { cap: 'groups.list' });
  expect(decodeJwt(narrowed.body.token.token)['cap']).toEqual({ [organization]: 'AAAAAAAAADIAAAAAAAAACA==' });

  const scoped = await start({ scope: encodeURIComponent('sandbox') });
  const again = await refresh(scoped.platform, scoped.refreshToken);
  const [group, ...others] = Object.keys(decodeJwt(again.body.token.token)['cap'] as object);
  expect(group).toMatch(new RegExp(`^${organization}/`));
  expect(others).toEqual([]);
  expect((await refresh(scoped.platform, again.body.refreshToken.token, { scope: organization })).status).toBe(403);
});
