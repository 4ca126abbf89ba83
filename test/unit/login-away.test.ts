// Signing in on another device, against the real issuer of a local platform: the encrypted session and the device code.

import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createHeadlessKey, headlessCheck, openHeadless, sealHeadless } from '../../src/api/headless.ts';
import { closeTransport } from '../../src/api/transport.ts';
import { deviceLogin } from '../../src/auth/device-login.ts';
import { headlessUrl } from '../../src/auth/headless-login.ts';
import { type LoginOptions, login } from '../../src/auth/login.ts';
import { listAudiences, readTokens } from '../../src/auth/token-cache.ts';
import { loadConfig } from '../../src/config/load.ts';
import { signInOn, typeCode } from '../support/elsewhere.ts';
import { FakeHost, type FakeHostOptions } from '../support/fake-host.ts';
import { personId } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';
import { stubServer } from '../support/stub-server.ts';

vi.setConfig({ testTimeout: 30_000 });

/** A host on whose waits something else happens, with the platform's clock moving along. */
class AwayHost extends FakeHost {
  onSleep: (count: number) => Promise<void> | void = () => {};
  clock: TestClock | undefined;
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.clock?.advance(ms);
    await super.sleep(ms, signal);
    await this.onSleep(this.sleeps.length);
  }
}

const hosts: AwayHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) {
    await closeTransport(host);
    host.dispose();
  }
});

async function world(options: FakeHostOptions = {}, issuer?: string) {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const env = {
    CHAINGUARD_PLATFORM_API: platform.urls.api,
    CHAINGUARD_PLATFORM_ISSUER: issuer ?? platform.urls.issuer,
    CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry,
  };
  const host = new AwayHost({ now: clock.now(), ...options, env });
  host.clock = clock;
  hosts.push(host);
  const config = await loadConfig(host);
  return { platform, clock, host, api: platform.urls.api, log: (more?: LoginOptions) => login(host, config, more) };
}

const urlIn = (host: FakeHost) => /authenticate: (\S+)\n/.exec(host.stderr.text)?.[1] ?? '';
const codeIn = (host: FakeHost) => /verification code (\S+) in/.exec(host.stderr.text)?.[1] ?? '';

describe('the encrypted session', () => {
  test('what is sealed for a code opens with its key only, and not when changed', () => {
    const key = createHeadlessKey();
    expect(key.code).toMatch(/^[\w-]{43}$/);
    const sealed = sealHeadless(key.code, 'a.b.c', new Uint8Array(12).fill(7));
    expect(openHeadless(key, sealed)).toBe('a.b.c');
    // Encoded twice: base64 of base64url text (semantics 3.7).
    expect(Buffer.from(sealed.ecdhPublicKey, 'base64').toString()).toMatch(/^[\w-]{43}$/);
    expect(Buffer.from(sealed.encryptedIdtoken, 'base64').length).toBe(12 + 5 + 16);
    expect(() => openHeadless(createHeadlessKey(), sealed)).toThrow();
    const bytes = Buffer.from(sealed.encryptedIdtoken, 'base64');
    bytes[13] = (bytes[13] ?? 0) ^ 1;
    expect(() => openHeadless(key, { ...sealed, encryptedIdtoken: bytes.toString('base64') })).toThrow();
  });

  test('another implementation reads it: the plain shared secret as key, nothing else', async () => {
    const { subtle } = globalThis.crypto;
    const { code, privateKey } = createHeadlessKey();
    const { ecdhPublicKey, encryptedIdtoken } = sealHeadless(code, 'a.b.c', new Uint8Array(12).fill(1));
    const name = 'X25519';
    const mine = await subtle.importKey('jwk', privateKey.export({ format: 'jwk' }), { name }, false, ['deriveBits']);
    const raw = Buffer.from(Buffer.from(ecdhPublicKey, 'base64').toString(), 'base64url');
    const theirs = await subtle.importKey('raw', raw, { name }, true, []);
    const secret = await subtle.deriveBits({ name, public: theirs }, mine, 256);
    const key = await subtle.importKey('raw', secret, 'AES-GCM', false, ['decrypt']);
    const sealed = Buffer.from(encryptedIdtoken, 'base64');
    const plain = await subtle.decrypt({ name: 'AES-GCM', iv: sealed.subarray(0, 12) }, key, sealed.subarray(12));
    expect(Buffer.from(plain).toString()).toBe('a.b.c');
  });

  test('codes that are none are refused, and so is a key whose secret is all zeros', () => {
    expect(() => sealHeadless('not base64!', 'x', new Uint8Array(12))).toThrow('illegal base64');
    expect(() => sealHeadless('AAAA', 'x', new Uint8Array(12))).toThrow('invalid public key');
    expect(() => sealHeadless('A'.repeat(43), 'x', new Uint8Array(12))).toThrow();
  });

  test('the address is sorted and short', () => {
    expect(headlessUrl('https://i.example', 'CODE', { kind: 'default', connection: 'google-oauth2' })).toBe(
      'https://i.example/oauth?connection=google-oauth2&headless_code=CODE',
    );
    expect(headlessUrl('https://i.example', 'CODE', { kind: 'org', name: 'example.com' })).toBe(
      'https://i.example/oauth?headless_code=CODE&idp_id=example.com',
    );
  });
});

describe('headless login', () => {
  test('shows an address and a check, waits, and gets a token that nobody else could read', async () => {
    const w = await world();
    const pages: Awaited<ReturnType<typeof signInOn>> = [];
    w.host.onSleep = async (count) => {
      if (count === 2) pages.push(...(await signInOn(w.platform, urlIn(w.host), 'dev@example.com')));
    };
    const result = await w.log({ headless: true });
    expect(result.identity).toBe(personId('dev@example.com'));
    const code = new URL(urlIn(w.host)).searchParams.get('headless_code') ?? '';
    expect(pages[0]?.text).toContain(headlessCheck(code));
    expect(w.host.stderr.text).toContain(headlessCheck(code));
    expect(pages[1]?.text).toContain('You are signed in');
    expect(pages[1]?.text).not.toContain('eyJ');
    expect(w.host.sleeps).toEqual([2000, 2000]);
    expect(readTokens(w.host, w.api)).toMatchObject({
      refreshToken: undefined,
      record: { source: { kind: 'browser' } },
    });
    expect(w.host.stderr.text).not.toContain('eyJ');
  });

  test('a session is read once, and its address works once', async () => {
    const w = await world();
    w.host.onSleep = (count) =>
      count === 1 ? signInOn(w.platform, urlIn(w.host), 'dev@example.com').then(() => {}) : undefined;
    await w.log({ headless: true });
    const code = new URL(urlIn(w.host)).searchParams.get('headless_code') ?? '';
    const again = await w.platform.call(undefined, 'GET', `/sts/headless_sessions?code=${code}`);
    expect(again.status).toBe(404);
    expect((await fetch(urlIn(w.host))).status).toBe(400);
  });

  test('a cancelled one ends at once', async () => {
    const w = await world();
    w.host.onSleep = (count) =>
      count === 1 ? signInOn(w.platform, urlIn(w.host), undefined).then(() => {}) : undefined;
    await expect(w.log({ headless: true })).rejects.toMatchObject({ kind: 'auth', code: 'auth.denied' });
    expect(listAudiences(w.host)).toEqual([]);
  });

  test('nobody comes: over after ten minutes, less often asked after the first', async () => {
    const w = await world();
    await expect(w.log({ headless: true })).rejects.toMatchObject({ kind: 'timeout', code: 'auth.login-timeout' });
    const total = w.host.sleeps.reduce((sum, ms) => sum + ms, 0);
    expect(total).toBe(600_000);
    expect(w.host.sleeps.filter((ms) => ms === 2000)).toHaveLength(30);
    expect(w.host.sleeps.at(-1)).toBe(5000);
  });

  test('on a terminal a line counts down and is gone in the end', async () => {
    const w = await world({ tty: true });
    w.host.onSleep = (count) =>
      count === 4 ? signInOn(w.platform, urlIn(w.host), 'dev@example.com').then(() => {}) : undefined;
    await w.log({ headless: true });
    expect(w.host.stderr.text).toContain('Waiting for you to sign in, 10:00 left');
    expect(w.host.stderr.text).toContain('9:57 left');
    expect(w.host.stderr.text.endsWith('\r\x1b[2K')).toBe(true);
  });

  test('auth.mode says so without a flag; an interrupt ends the wait', async () => {
    const w = await world();
    const controller = new AbortController();
    w.host.onSleep = (count) => (count === 2 ? controller.abort(new Error('interrupted')) : undefined);
    await expect(w.log({ headless: true, signal: controller.signal })).rejects.toThrow('interrupted');
  });

  test('no account: asked on the terminal, then made', async () => {
    const w = await world();
    w.host.onSleep = (count) =>
      count === 1 ? signInOn(w.platform, urlIn(w.host), 'new@example.com').then(() => {}) : undefined;
    await expect(w.log({ headless: true, register: async () => false })).rejects.toMatchObject({
      code: 'auth.no-account',
      hint: expect.stringContaining('--invite-code'),
    });
    w.host.stderr.text = '';
    w.host.sleeps.length = 0;
    const result = await w.log({ headless: true, register: async () => true });
    expect(result.email).toBe('new@example.com');
  });

  test('an answer for somebody else is an error, not a token', async () => {
    const sealed = sealHeadless(createHeadlessKey().code, 'a.b.c', new Uint8Array(12));
    const stub = await stubServer();
    const w = await world({}, stub.url);
    w.host.onSleep = () => {
      const code = new URL(urlIn(w.host)).searchParams.get('headless_code') ?? '';
      stub.expect(`GET /sts/headless_sessions?code=${code}`, { body: sealed });
    };
    await expect(w.log({ headless: true })).rejects.toMatchObject({ code: 'auth.bad-session' });
  });
});

describe('device code', () => {
  test('a browser that cannot open: says so, shows a code, and goes on when it was typed', async () => {
    const w = await world({ browser: () => false });
    const pages: Awaited<ReturnType<typeof typeCode>> = [];
    w.host.onSleep = async (count) => {
      if (count === 2) pages.push(...(await typeCode(w.platform, codeIn(w.host).toLowerCase(), 'dev@example.com')));
    };
    const result = await w.log();
    expect(result.identity).toBe(personId('dev@example.com'));
    expect(w.host.stderr.text).toMatch(
      /^Cannot open a browser here; switching to a code for another device\nEnter the verification code [A-Z]{4}-[A-Z]{4} in your browser at: http:\/\/127\.0\.0\.1:\d+\/activate\nCode will be valid for 900 seconds\nToken received!\n$/,
    );
    expect(pages[0]?.text).toContain(codeIn(w.host));
    expect(pages[1]?.text).toContain('You are signed in');
    expect(w.host.sleeps).toEqual([5000, 5000]);
  });

  test('denied, and expired without waiting for the server to say so', async () => {
    const w = await world();
    w.host.onSleep = (count) =>
      count === 1 ? typeCode(w.platform, codeIn(w.host), undefined).then(() => {}) : undefined;
    await expect(w.log()).rejects.toMatchObject({ code: 'auth.denied' });
    w.host.onSleep = () => {};
    w.host.sleeps.length = 0;
    await expect(w.log()).rejects.toMatchObject({ kind: 'timeout', code: 'auth.code-expired' });
    expect(w.host.sleeps.reduce((sum, ms) => sum + ms, 0)).toBe(900_000);
  });

  test('told to slow down, it does, and for good', async () => {
    const w = await world();
    // The platform's clock stands still at first: every poll is too soon for it.
    w.host.clock = undefined;
    w.host.onSleep = async (count) => {
      if (count === 4) {
        w.clock.advance(600_000);
        await typeCode(w.platform, codeIn(w.host), 'dev@example.com');
      }
    };
    await w.log();
    expect(w.host.sleeps).toEqual([5000, 5000, 10_000, 15_000]);
  });

  test('a poll that nobody answers is no end; it asks less often from then on (RFC 8628, 3.5)', async () => {
    const w = await world();
    const stub = await stubServer();
    const code = { device_code: 'd', user_code: 'ABCD-EFGH', verification_uri: `${stub.url}/activate` };
    stub.expect('POST /code', { body: { ...code, expires_in: 900, interval: 5 } });
    const pending = { status: 400, body: { error: 'authorization_pending' } };
    for (const reply of [pending, { reset: true }, pending, { body: { id_token: 'the token' } }]) {
      stub.expect('POST /token', reply);
    }
    const issuer = { clientId: 'c', authorizationEndpoint: `${stub.url}/code`, tokenEndpoint: `${stub.url}/token` };
    expect(await deviceLogin(w.host, issuer, undefined)).toBe('the token');
    expect(w.host.sleeps).toEqual([5000, 5000, 10_000, 10_000]);
  });

  test('the ID token verifies with the discovery document of its own issuer, and is a login and nothing else', async () => {
    const { platform, clock } = await world();
    const { issuer, api } = platform.urls;
    const post = async (path: string, form: Record<string, string>) => {
      const response = await fetch(`${issuer}${path}`, { method: 'POST', body: new URLSearchParams(form) });
      return (await response.json()) as Record<string, string>;
    };
    const idTokenOf = async (email: string) => {
      const started = await post('/oauth/device/code', { client_id: 'auth0', scope: 'openid' });
      await typeCode(platform, started['user_code'] ?? '', email);
      const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
      const device_code = started['device_code'] ?? '';
      return (await post('/oauth/token', { grant_type, device_code, client_id: 'auth0' }))['id_token'] ?? '';
    };
    const token = await idTokenOf('dev@example.com');
    // As go-oidc does it, from nothing but the token's own issuer.
    const { iss = '' } = decodeJwt(token);
    const found = await fetch(`${iss}/.well-known/openid-configuration`);
    const discovery = (await found.json()) as { issuer: string; jwks_uri: string };
    expect(discovery.issuer).toBe(iss);
    const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
    const checks = { issuer: iss, audience: 'auth0', currentDate: new Date(clock.now()) };
    const { payload } = await jwtVerify(token, keys, checks);
    expect(payload).toMatchObject({ email: 'dev@example.com', azp: 'auth0' });

    // It is traded for an access token, whose upstream is the sign-in issuer's as with every other login.
    const exchange = (bearer: string, query = '') =>
      platform.call(bearer, 'POST', `/sts/exchange?aud=${encodeURIComponent(api)}${query}`);
    const traded = await exchange(token);
    expect(traded.status).toBe(200);
    expect(decodeJwt(traded.body.token)).toMatchObject({
      sub: personId('dev@example.com'),
      act: { iss: 'https://auth.chainguard.dev/' },
    });
    // By itself it opens nothing, and changed or expired it is nothing.
    expect((await platform.call(token, 'GET', '/iam/v1/groups')).status).toBe(401);
    const [head = '', , signature = ''] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...payload, sub: 'someone|else' })).toString('base64url');
    expect((await exchange(`${head}.${forged}.${signature}`)).status).toBe(403);
    clock.advance(601_000);
    expect((await exchange(token)).status).toBe(403);

    // Whoever has no account yet registers with it.
    const stranger = await idTokenOf('new@example.org');
    expect((await exchange(stranger)).status).toBe(404);
    const registered = await platform.call(stranger, 'POST', '/auth/v1/register', { body: {} });
    expect(registered.status).toBe(200);
    expect(decodeJwt((await exchange(stranger)).body.token).sub).toBe(registered.body.identity);
  });

  test('the platform: a code works once, for its client, and wrong ones cannot be tried in numbers', async () => {
    const { platform, clock } = await world();
    const { issuer } = platform.urls;
    const post = async (path: string, form: Record<string, string>) => {
      const response = await fetch(`${issuer}${path}`, { method: 'POST', body: new URLSearchParams(form) });
      return { status: response.status, body: (await response.json()) as Record<string, string> };
    };
    const started = await post('/oauth/device/code', { client_id: 'auth0', scope: 'openid' });
    const { device_code = '', user_code = '' } = started.body;
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code };
    await typeCode(platform, user_code, 'dev@example.com');
    expect((await post('/oauth/token', { ...grant, client_id: 'other' })).body).toEqual({ error: 'invalid_grant' });
    const good = await post('/oauth/token', { ...grant, client_id: 'auth0' });
    expect(good.body).toMatchObject({ id_token: expect.stringMatching(/^eyJ/), token_type: 'Bearer' });
    expect((await post('/oauth/token', { ...grant, client_id: 'auth0' })).body).toEqual({ error: 'invalid_grant' });
    expect((await typeCode(platform, user_code, 'dev@example.com'))[0]?.status).toBe(400);
    expect((await post('/oauth/token', { grant_type: 'password' })).body).toEqual({ error: 'unsupported_grant_type' });

    const late = await post('/oauth/device/code', { client_id: 'auth0', scope: 'openid' });
    clock.advance(900_000);
    const expired = await post('/oauth/token', {
      ...grant,
      device_code: late.body['device_code'] ?? '',
      client_id: 'auth0',
    });
    expect(expired.body).toEqual({ error: 'expired_token' });
    let status = 0;
    for (let count = 0; count < 101 && status !== 429; count += 1) {
      status = (await typeCode(platform, 'AAAA-AAAA', undefined))[0]?.status ?? 0;
    }
    expect(status).toBe(429);
  });
});
