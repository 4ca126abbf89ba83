// What an organization's own provider answers is not read without end: not as it is, and not unpacked.

import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { builtInRoleId, organization, personId } from '../support/ids.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { startTestPlatform } from '../support/platform.ts';

vi.setConfig({ testTimeout: 60_000 });

const machineClock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };
const redirect = 'http://localhost:9/callback?token=true&error=true';
const megabyte = 1024 * 1024;

async function world() {
  const platform = await startTestPlatform({ clock: machineClock });
  const provider = await startLoopbackIssuer(() => Date.now());
  const configuration = {
    issuer: provider.url,
    authorization_endpoint: `${provider.url}/authorize`,
    token_endpoint: `${provider.url}/token`,
    jwks_uri: `${provider.url}/keys`,
  };
  const publish = () =>
    provider.answers.set('/.well-known/openid-configuration', (response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(configuration)),
    );
  publish();
  const owner = await platform.token(personId('dev@example.com'));
  const body = {
    name: 'company',
    defaultRole: builtInRoleId('viewer'),
    oidc: { issuer: provider.url, clientId: 'client', pkceEnabled: true },
  };
  const made = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${organization}`, { body });
  expect(made.status, JSON.stringify(made.body)).toBe(200);
  const { issuer } = platform.urls;
  const begin = () =>
    fetch(`${issuer}/oauth?${new URLSearchParams({ idp_id: made.body.id, redirect })}`, { redirect: 'manual' });
  /** Leaves for the provider and comes back from it with a code; what the program that waits is told. */
  const signIn = async (idToken?: (nonce: string) => Promise<string>): Promise<URLSearchParams> => {
    const start = await begin();
    const away = new URL(start.headers.get('location') ?? '');
    const state = away.searchParams.get('state');
    if (state === null) return away.searchParams;
    if (idToken !== undefined) {
      const token = await idToken(away.searchParams.get('nonce') ?? '');
      provider.answers.set('/token', (response) =>
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token: token })),
      );
    }
    const cookie = (start.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const back = await fetch(`${issuer}/oauth/callback?code=x&state=${state}`, {
      redirect: 'manual',
      headers: { cookie },
    });
    return new URL(back.headers.get('location') ?? '').searchParams;
  };
  return { provider, signIn };
}

/** Sends a chunk again and again until nobody takes it any more, and counts its bytes. */
function endless(headers: Record<string, string>, chunk: Buffer) {
  const sent = { bytes: 0 };
  const answer = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    const more = () => {
      while (!response.destroyed && sent.bytes < 2048 * megabyte) {
        sent.bytes += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
  return { sent, answer };
}

const plain = () => endless({}, Buffer.alloc(64 * 1024, ' '));
// White space before JSON is JSON still. Sixteen megabytes in sixteen kilobytes, and as many of those as anybody takes.
const packed = () => endless({ 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(16 * megabyte, ' ')));

test.each([
  ['/.well-known/openid-configuration', 'as it is', plain],
  ['/.well-known/openid-configuration', 'packed', packed],
  ['/token', 'as it is', plain],
  ['/token', 'packed', packed],
  ['/keys', 'as it is', plain],
  ['/keys', 'packed', packed],
])('%s without end, %s', async (path, _, make) => {
  const { provider, signIn } = await world();
  const key = await provider.addKey('RS256');
  const idToken = (nonce: string) => provider.sign(key, { aud: 'client', nonce });
  expect((await signIn(idToken)).get('token'), 'before').toMatch(/^eyJ/);

  const { sent, answer } = make();
  provider.answers.set(path, answer);
  const told = await signIn(path === '/token' ? undefined : idToken);
  expect(told.get('token')).toBeNull();
  expect(told.get('error')).toContain('the answer of the identity provider');
  expect(sent.bytes).toBeGreaterThan(0);
  // What fits into the buffers on the way, and no more.
  expect(sent.bytes).toBeLessThan(32 * megabyte);
});
