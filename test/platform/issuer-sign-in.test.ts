// The browser login as HTTP: what the page holds, what ends it, and what cannot be made of it.

import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { openSignIn, signInByForm, submitSignIn } from '../support/sign-in.ts';

const dev = personId('dev@example.com');

function users(platform: TestPlatform): number {
  return Number(
    platform.store.read((tx) => tx.get('SELECT COUNT(*) AS n FROM identities WHERE parent IS NULL'))?.['n'],
  );
}

describe('the page', () => {
  test('offers the people, an address of one’s own and a way out, without scripts', async () => {
    const platform = await startTestPlatform();
    const page = await openSignIn(platform, { audience: 'cgr.dev,https://a.example' });
    expect(page.status).toBe(200);
    expect(page.html).toContain('Dev Example');
    expect(page.html).toContain('owner of example.com');
    expect(page.html).toContain('guest@example.com');
    expect(page.html).toContain('cgr.dev');
    expect(page.html).toContain('localhost:44723');
    expect(page.html).not.toMatch(/<script|javascript:|\son[a-z]+=|<img|<link/i);
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' http:\/\/localhost:44723; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(page.headers.get('set-cookie')).toMatch(
      /^chainctl-sign-in-[0-9a-f]{16}=[\w-]{43}; Path=\/oauth; Max-Age=600; HttpOnly; SameSite=Lax$/,
    );
  });

  test('opening it makes nothing', async () => {
    const platform = await startTestPlatform();
    const before = users(platform);
    for (let count = 0; count < 5; count += 1) await openSignIn(platform);
    expect(users(platform)).toBe(before);
    expect(platform.store.read((tx) => tx.all('SELECT digest FROM refresh_tokens'))).toEqual([]);
  });

  test('escapes whatever it shows', async () => {
    const platform = await startTestPlatform();
    const page = await openSignIn(platform, { audience: '"><script>alert(1)</script>' });
    expect(page.html).not.toContain('<script');
    const wrong = await openSignIn(platform, { redirect: 'https://evil.example/<script>' });
    expect(wrong.html).not.toContain('<script');
  });
});

describe('signing in', () => {
  test('ends with a token in the address that waits, whose other keys are kept', async () => {
    const platform = await startTestPlatform();
    const redirect = 'http://127.0.0.1:5000/callback/s3cret?token=true&error=true&state=a%2Fb%26c&x=1&x=2';
    const target = await signInByForm(platform, { redirect, audience: 'cgr.dev' }, { email: 'dev@example.com' });
    expect(`${target.origin}${target.pathname}`).toBe('http://127.0.0.1:5000/callback/s3cret');
    expect(target.searchParams.getAll('token')).toHaveLength(1);
    expect(target.searchParams.get('state')).toBe('a/b&c');
    expect(target.searchParams.getAll('x')).toEqual(['1', '2']);
    expect(target.searchParams.has('error')).toBe(false);
    expect(target.searchParams.has('refresh_token')).toBe(false);
    expect(decodeJwt(target.searchParams.get('token') ?? '')).toMatchObject({
      sub: dev,
      aud: 'cgr.dev',
      iss: platform.urls.issuer,
      email: 'dev@example.com',
    });
  });

  test('takes audiences as a list and the API when there is none', async () => {
    const platform = await startTestPlatform();
    const aud = async (parameters: Record<string, string>) =>
      decodeJwt(
        (await signInByForm(platform, parameters, { email: 'dev@example.com' })).searchParams.get('token') ?? '',
      ).aud;
    expect(await aud({ audience: 'cgr.dev,apk.cgr.dev' })).toEqual(['cgr.dev', 'apk.cgr.dev']);
    expect(await aud({})).toBe(platform.urls.api);
  });

  test('by a button is for that person, and an unknown button is nobody', async () => {
    const platform = await startTestPlatform();
    const page = await openSignIn(platform);
    const subject = /name="subject" value="([^"]+)"[^>]*>\s*<span[^>]*>GE</.exec(page.html)?.[1] ?? '';
    const response = await submitSignIn(platform, page, { subject });
    expect(response.status).toBe(303);
    const token = new URL(response.headers.get('location') ?? '').searchParams.get('token') ?? '';
    expect(decodeJwt(token).sub).toBe(personId('guest@example.com'));

    const other = await openSignIn(platform);
    expect((await submitSignIn(platform, other, { subject: 'google-oauth2|1' })).status).toBe(400);
  });

  test('with a new address makes an account that is bound to nothing', async () => {
    const platform = await startTestPlatform();
    const before = users(platform);
    const target = await signInByForm(platform, {}, { email: ' New.Person@Example.org ' });
    const claims = decodeJwt(target.searchParams.get('token') ?? '');
    expect(claims.sub).toMatch(/^[0-9a-f]{40}$/);
    expect(claims).toMatchObject({ cap: {}, email: 'new.person@example.org' });
    expect(users(platform)).toBe(before + 1);
    const again = await signInByForm(platform, {}, { email: 'new.person@example.org' });
    expect(decodeJwt(again.searchParams.get('token') ?? '').sub).toBe(claims.sub);
    expect((await openSignIn(platform)).html).toContain('new.person@example.org');
  });

  test('with a new address and skip_registration makes none and says 404', async () => {
    const platform = await startTestPlatform();
    const before = users(platform);
    const target = await signInByForm(platform, { skip_registration: 'true' }, { email: 'new@example.org' });
    expect(target.searchParams.get('status_code')).toBe('404');
    expect(target.searchParams.get('error')).toContain('account not found');
    expect(target.searchParams.has('token')).toBe(false);
    expect(users(platform)).toBe(before);
  });

  test('can be cancelled', async () => {
    const platform = await startTestPlatform();
    const target = await signInByForm(platform, {}, { deny: 'true' });
    expect(Object.fromEntries(target.searchParams)).toEqual({
      error: 'the sign-in was cancelled',
      status_code: '403',
    });
  });

  test('keeps the page open for an address that is none', async () => {
    const platform = await startTestPlatform();
    const page = await openSignIn(platform);
    const wrong = await submitSignIn(platform, page, { email: 'nobody<b>' });
    expect(wrong.status).toBe(400);
    const html = await wrong.text();
    expect(html).toContain('role="alert"');
    expect(html).not.toContain('<b>nobody');
    expect((await submitSignIn(platform, page, { email: 'dev@example.com' })).status).toBe(303);
  });

  test('can assume an identity that names the person, without a refresh token', async () => {
    const platform = await startTestPlatform();
    const identity = `${demoOrganizations.private}/00000000000000ac`;
    const asUser = `${demoOrganizations.private}/00000000000000ad`;
    const { searchParams } = await signInByForm(platform, {}, { email: 'dev@example.com' });
    const act = decodeJwt(searchParams.get('token') ?? '')['act'] as { iss: string; sub: string };
    platform.store.transact((tx) => {
      const claimMatch = { issuer: act.iss, subject: act.sub };
      insertIdentity(tx, {
        id: identity,
        name: 'a',
        description: '',
        relationship: { kind: 'claimMatch', claimMatch },
      });
      const own = { issuer: platform.urls.issuer, subject: dev };
      insertIdentity(tx, {
        id: asUser,
        name: 'b',
        description: '',
        relationship: { kind: 'claimMatch', claimMatch: own },
      });
      bindRole(tx, { group: demoOrganizations.private, identity, role: builtInRoleId('viewer') });
    });
    const assume = (id: string, email: string) =>
      signInByForm(platform, { identity: id, create_refresh_token: 'true' }, { email });

    const target = await assume(identity, 'dev@example.com');
    expect(decodeJwt(target.searchParams.get('token') ?? '')).toMatchObject({ sub: identity, act });
    expect(target.searchParams.has('refresh_token')).toBe(false);
    const other = await assume(asUser, 'dev@example.com');
    expect(decodeJwt(other.searchParams.get('token') ?? '')).toMatchObject({ sub: asUser, act: { sub: dev } });
    const refused = await assume(identity, 'guest@example.com');
    expect(refused.searchParams.get('status_code')).toBe('403');
    expect(refused.searchParams.get('error')).toContain('token has invalid subject');
    const nowhere = await assume(`${demoOrganizations.private}/ffffffffffffffff`, 'dev@example.com');
    expect(nowhere.searchParams.get('error')).toContain('no identity');
  });

  test('can be scoped, with scopes that arrive escaped twice', async () => {
    const platform = await startTestPlatform();
    const scope = encodeURIComponent(demoFolders.engineering);
    const { searchParams } = await signInByForm(platform, { scope }, { email: 'dev@example.com' });
    const cap = decodeJwt(searchParams.get('token') ?? '')['cap'] as object;
    expect(Object.keys(cap)).toEqual([demoFolders.engineering]);
  });
});

describe('what cannot be done with it', () => {
  test('tokens go to this machine only', async () => {
    const platform = await startTestPlatform();
    const own = new URL(platform.urls.issuer).port;
    for (const redirect of [
      'https://localhost:1/callback?token=true',
      'http://evil.example/callback',
      'http://localhost.evil.example/',
      'http://127.0.0.1.evil.example/',
      'http://user@localhost:1/',
      'http://localhost:1/#x',
      'javascript:alert(1)',
      'file:///etc/passwd',
      '//localhost:1/',
      `http://localhost:${own}/oauth`,
      `http://localhost:1/${'a'.repeat(2100)}`,
      'nonsense',
    ]) {
      const page = await openSignIn(platform, { redirect });
      expect([redirect, page.status, page.state]).toEqual([redirect, 400, '']);
      expect(page.html).toContain('This sign-in leads to another machine');
    }
    expect((await openSignIn(platform, { redirect: '' })).html).toContain('Nobody asked for this sign-in');
    for (const redirect of ['http://[::1]:5/cb', 'http://127.9.9.9:5/', 'http://cli.localhost:5/x?y']) {
      expect((await openSignIn(platform, { redirect })).status).toBe(200);
    }
  });

  test('a sign-in belongs to the browser that began it and works once', async () => {
    const platform = await startTestPlatform();
    const fields = { email: 'dev@example.com' };
    const page = await openSignIn(platform);
    const other = await openSignIn(platform);

    expect((await submitSignIn(platform, { ...page, cookie: '' }, fields)).status).toBe(403);
    expect((await submitSignIn(platform, { ...page, cookie: other.cookie }, fields)).status).toBe(403);
    const named = `${page.cookie.split('=')[0]}=${other.cookie.split('=')[1]}`;
    expect((await submitSignIn(platform, { ...page, cookie: named }, fields)).status).toBe(403);
    for (const site of ['cross-site', 'same-site', 'none']) {
      expect((await submitSignIn(platform, page, fields, { 'sec-fetch-site': site })).status).toBe(403);
    }
    const done = await submitSignIn(platform, page, fields, { 'sec-fetch-site': 'same-origin' });
    expect(done.status).toBe(303);
    expect(done.headers.get('set-cookie')).toContain('Max-Age=0');
    expect(done.headers.get('cache-control')).toBe('no-store');
    const twice = await submitSignIn(platform, page, fields);
    expect([twice.status, twice.headers.get('location')]).toEqual([400, null]);
    expect(await twice.text()).toContain('This sign-in is over');
    expect((await submitSignIn(platform, { ...page, state: 'x' }, fields)).status).toBe(400);
    // Two at once do not disturb each other.
    expect((await submitSignIn(platform, other, fields)).status).toBe(303);
  });

  test('a sign-in ends after ten minutes, and too many others do not end it before', async () => {
    const clock = new TestClock();
    const platform = await startTestPlatform({ clock });
    const late = await openSignIn(platform);
    clock.advance(10 * 60_000);
    expect((await submitSignIn(platform, late, { email: 'dev@example.com' })).status).toBe(400);
    const first = await openSignIn(platform);
    const query = new URLSearchParams({ redirect: 'http://localhost:9/' });
    for (let count = 0; count < 205; count += 1) await fetch(`${platform.urls.issuer}/oauth?${query}`);
    expect((await submitSignIn(platform, first, { email: 'dev@example.com' })).status).toBe(303);
  });

  test('what cannot be done is said: to the program when it listens, else on the page', async () => {
    const platform = await startTestPlatform();
    const at = async (parameters: Record<string, string>) => {
      const query = new URLSearchParams({ redirect: 'http://localhost:9/?error=true', ...parameters });
      const response = await fetch(`${platform.urls.issuer}/oauth?${query}`, { redirect: 'manual' });
      const location = response.headers.get('location');
      return {
        status: response.status,
        text: await response.text(),
        target: location === null ? undefined : new URL(location),
      };
    };
    const headless = await at({ headless_code: 'x' });
    expect(headless.status).toBe(400);
    expect(headless.text).toContain('invalid public key');
    const { status, target } = await at({ idp_id: 'example.com' });
    expect([status, target?.searchParams.get('status_code')]).toEqual([303, '400']);
    for (const parameters of [{ exit: 'stay' }, { identity: 'x' }, { scope: '%zz' }]) {
      const answer = await at(parameters as Record<string, string>);
      expect([answer.status, answer.target?.searchParams.get('status_code')]).toEqual([303, '400']);
    }
    const deaf = await at({ redirect: 'http://localhost:9/?token=true', idp_id: 'x' });
    expect([deaf.status, deaf.target]).toEqual([400, undefined]);
    expect(deaf.text).toContain('there is no identity provider');
  });

  test('other methods and large forms are refused on a readable page', async () => {
    const platform = await startTestPlatform();
    for (const [method, path] of [
      ['POST', '/oauth'],
      ['GET', '/oauth/sign-in'],
      ['DELETE', '/oauth'],
    ] as const) {
      const response = await fetch(`${platform.urls.issuer}${path}`, { method });
      expect([response.status, response.headers.get('content-type')]).toEqual([405, 'text/html; charset=utf-8']);
    }
    const page = await openSignIn(platform);
    expect((await submitSignIn(platform, page, { email: 'a'.repeat(20_000) })).status).toBe(400);
  });
});

test('orgcheck answers a bare boolean, and no organization has an identity provider yet', async () => {
  const { call } = await startTestPlatform();
  const answer = await call(undefined, 'GET', '/orgcheck?name=example.com');
  expect([answer.status, answer.body]).toEqual([200, false]);
  expect((await call(undefined, 'GET', '/orgcheck')).status).toBe(400);
});
