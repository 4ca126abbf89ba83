import { describe, expect, test } from 'vitest';
import { type ExchangeRequest, exchange, refresh } from '../../src/api/sts.ts';
import { closeTransport } from '../../src/api/transport.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';
import { type StubServer, stubServer } from '../support/stub-server.ts';
import { makeRefreshToken, makeToken, someIdentity } from '../support/tokens.ts';

const path = 'POST /sts/exchange';
const refreshPath = 'POST /sts/exchange_refresh_token';
const issued = makeToken({ aud: 'a' });
const good = { body: { token: issued, refreshToken: '', expiry: null } };

async function setup(): Promise<{
  host: FakeHost;
  server: StubServer;
  ask: (more?: Partial<ExchangeRequest>) => Promise<unknown>;
}> {
  const host = fakeHost();
  const server = await stubServer();
  return {
    host,
    server,
    ask: async (more = {}) => {
      try {
        return await exchange(host, { issuer: server.url, token: 'third.party.token', audience: ['a'], ...more });
      } finally {
        await closeTransport(host);
      }
    },
  };
}

test('parameters travel as a form, the bearer in the header', async () => {
  const { server, ask } = await setup();
  server.expect(path, good);
  await ask({
    issuer: `${server.url}/`,
    audience: ['a', 'b'],
    identity: someIdentity,
    identityProvider: 'idp',
    scopes: ['x', 'y'],
    capabilities: ['groups.list'],
  });
  const [request] = server.requests;
  expect(request?.headers).toMatchObject({
    authorization: 'Bearer third.party.token',
    'content-type': 'application/x-www-form-urlencoded',
  });
  expect([...(request?.form ?? [])]).toEqual([
    ['aud', 'a'],
    ['aud', 'b'],
    ['scope', 'x'],
    ['scopes', 'x'],
    ['scopes', 'y'],
    ['cap', 'groups.list'],
    ['identity', someIdentity],
    ['identity_provider', 'idp'],
  ]);
});

test('a refresh answers with two objects, and the rotated token is the new one', async () => {
  const { host, server } = await setup();
  const [old, next] = [makeRefreshToken(1_000), makeRefreshToken(2_000)];
  server.expect(refreshPath, { body: { token: { token: issued }, refreshToken: { token: next } } });
  server.expect(refreshPath, { body: { token: { token: issued } } });
  const request = { issuer: server.url, token: old, audience: ['a'] };
  expect(await refresh(host, request)).toEqual({ token: issued, refreshToken: next });
  expect(await refresh(host, request)).toEqual({ token: issued, refreshToken: undefined });
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${old}`);
  await closeTransport(host);
});

describe('refusals', () => {
  const denied = { code: 7, message: 'token has invalid subject: repo:acme/app:ref:refs/heads/dev', details: [] };

  test('the server’s words, number 101, not tried again', async () => {
    const { server, ask, host } = await setup();
    server.expect(path, { status: 403, body: denied });
    await expect(ask()).rejects.toMatchObject({
      kind: 'auth',
      code: 'auth.exchange-refused',
      number: 101,
      message: `unable to exchange tokens: ${denied.message}`,
    });
    server.expect(path, { status: 401, body: { code: 16, message: 'bad\u001b[2J\nsignature.' } });
    await expect(ask()).rejects.toMatchObject({
      kind: 'auth',
      message: 'unable to exchange tokens: bad [2J signature',
    });
    expect(host.sleeps).toEqual([]);
  });

  test('other refusals keep their kind', async () => {
    const { server, ask } = await setup();
    server.expect(path, { status: 400, body: { code: 3, message: 'Audience must be specified' } });
    await expect(ask()).rejects.toMatchObject({ kind: 'api', number: 101 });
    server.expect(path, { status: 404, body: { code: 5, message: 'identity not found' } });
    await expect(ask()).rejects.toMatchObject({ kind: 'not-found', number: 101 });
  });

  test('a token with a line break never becomes a header', async () => {
    const { ask } = await setup();
    await expect(ask({ token: 'a\r\nx-evil: 1' })).rejects.toMatchObject({
      kind: 'auth',
      code: 'auth.malformed-token',
    });
    await expect(ask({ token: '' })).rejects.toMatchObject({ kind: 'auth' });
  });
});

describe('answers of no issuer', () => {
  test.each([
    ['a page with 200', { body: '<html>Welcome to the hotel</html>' }],
    ['a page with 403', { status: 403, body: '<html>blocked</html>' }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/steal' }, body: '' }],
    ['an object without a token', { body: { ok: true } }],
    ['a token that is none', { body: { token: 'x y' } }],
    ['an array', { body: [] }],
    ['half a document', { body: '{"token": "a.b' }],
  ])('%s', async (_name, reply) => {
    const { server, ask } = await setup();
    server.expect(path, reply);
    await expect(ask()).rejects.toMatchObject({
      kind: 'api',
      code: 'api.not-an-issuer',
      message: `${server.url} did not answer like a Chainguard issuer`,
    });
  });

  test('an endless answer is cut', async () => {
    const { server, ask } = await setup();
    server.expect(path, { body: 'x'.repeat(2 * 1024 * 1024) });
    await expect(ask()).rejects.toMatchObject({ code: 'api.too-large' });
  });
});

describe('tries', () => {
  test('unavailable is tried three times, 100 to 200 ms apart', async () => {
    const { server, ask, host } = await setup();
    server.expect(path, { status: 503, body: 'busy' });
    server.expect(path, { status: 400, body: { code: 14, message: 'later' } });
    server.expect(path, good);
    expect(await ask()).toEqual({ token: issued, refreshToken: undefined });
    expect(host.sleeps).toHaveLength(2);
    for (const wait of host.sleeps) expect(wait >= 100 && wait <= 200, String(wait)).toBe(true);
    for (let i = 0; i < 3; i += 1) server.expect(path, { status: 502, body: 'bad gateway' });
    await expect(ask()).rejects.toMatchObject({ kind: 'api', message: expect.stringContaining('answered 502') });
  });

  test('an exchange does not repeat a 500; a refresh repeats what the body calls internal, not a bare 500', async () => {
    const { server, ask, host } = await setup();
    server.expect(path, { status: 500, body: { code: 13, message: 'oops' } });
    await expect(ask()).rejects.toThrow('unable to exchange tokens: oops');
    const again = () => refresh(host, { issuer: server.url, token: 'r', audience: ['a'] });
    server.expect(refreshPath, { status: 500, body: 'oops' });
    await expect(again()).rejects.toThrow('answered 500');
    server.expect(refreshPath, { status: 500, body: { code: 13, message: 'oops' } });
    server.expect(refreshPath, { status: 504, body: 'slow' });
    server.expect(refreshPath, { body: { token: { token: issued } } });
    expect(await again()).toMatchObject({ token: issued });
    await closeTransport(host);
  });

  test('Retry-After is kept, up to a minute', async () => {
    const { server, ask, host } = await setup();
    server.expect(path, { status: 429, headers: { 'retry-after': '7' }, body: { code: 8, message: 'slow down' } });
    server.expect(path, good);
    const waits: string[] = [];
    await ask({ onRetry: (reason, ms) => waits.push(`${reason.replace(/:\d+/, '')} ${ms}`) });
    expect(host.sleeps).toEqual([7_000]);
    expect(waits).toEqual(['127.0.0.1 answered 429 7000']);
    server.expect(path, { status: 429, headers: { 'retry-after': '3600' }, body: 'no' });
    await expect(ask()).rejects.toMatchObject({
      kind: 'api',
      code: 'api.rate-limited',
      message: `${new URL(server.url).host} asks to slow down`,
      hint: 'wait 3600 s and try again',
    });
    expect(host.sleeps).toHaveLength(1);
  });

  test('a cut connection is tried again, an issuer that is down is one sentence', async () => {
    const { server, ask, host } = await setup();
    server.expect(path, { reset: true });
    server.expect(path, good);
    expect(await ask()).toMatchObject({ token: issued });
    await expect(ask({ issuer: 'http://127.0.0.1:9' })).rejects.toMatchObject({
      kind: 'network',
      message: 'Cannot reach http://127.0.0.1:9: nothing is listening there',
    });
    expect(host.sleeps).toHaveLength(3);
  });

  test('an abort ends the wait at once', async () => {
    const { server, ask } = await setup();
    server.expect(path, { delayMs: 10_000 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('stop')), 50);
    await expect(ask({ signal: controller.signal })).rejects.toThrow('stop');
  });
});
