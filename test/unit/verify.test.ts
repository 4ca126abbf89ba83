// What a browser brings is believed only when the issuer's own key signed it, for us, and now.

import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, expect, test } from 'vitest';
import { closeTransport } from '../../src/api/transport.ts';
import { verifyToken } from '../../src/auth/verify.ts';
import { FakeHost } from '../support/fake-host.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';

const hosts: FakeHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) {
    await closeTransport(host);
    host.dispose();
  }
});

async function world() {
  const host = new FakeHost({ now: Date.now() });
  hosts.push(host);
  const issuer = await startLoopbackIssuer(() => host.now());
  const key = await issuer.addKey('RS256');
  const verify = (token: string) => verifyToken(host, issuer.url, token, ['us'], undefined);
  return { host, issuer, key, verify };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('a token of the issuer’s own keys, for one audience or several', async () => {
  const { issuer, key, verify } = await world();
  await verify(await issuer.sign(key, { aud: 'us' }));
  await verify(await issuer.sign(await issuer.addKey('ES256'), { aud: ['them', 'us'] }));
});

test('whatever it says of itself, another key, issuer, audience, time or algorithm is refused', async () => {
  const { host, issuer, key, verify } = await world();
  const other = await issuer.addKey('RS256', { publish: false });
  const seconds = Math.floor(host.now() / 1000);
  const claims = { iss: issuer.url, sub: 'robot', aud: 'us', iat: seconds, exp: seconds + 3600 };
  const signed = (header: Record<string, unknown>, privateKey = key.privateKey, crit: Record<string, boolean> = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: String(key.kid), ...header })
      .sign(privateKey, { crit });
  const shared = `${encode({ alg: 'HS256', kid: key.kid })}.${encode(claims)}`;
  const publicKey = JSON.stringify(key.publicJwk);
  const [header, payload, signature] = (await signed({})).split('.');
  const cases: readonly (readonly [string, string, string])[] = [
    ['another key under the same id', await signed({}, other.privateKey), 'its signature is not'],
    ['a key of its own', await signed({ jwk: other.publicJwk }, other.privateKey), 'its signature is not'],
    ['a key id of none', await signed({ kid: 'none' }), 'its signature is not'],
    ['no key id', await signed({ kid: undefined }), 'its signature is not'],
    ['an extension', await signed({ crit: ['x'], x: 1 }, key.privateKey, { x: true }), 'it asks for an extension'],
    ['no algorithm', `${encode({ alg: 'none', kid: key.kid })}.${encode(claims)}.`, 'its signature is not'],
    [
      'the public key as a secret',
      `${shared}.${createHmac('sha256', publicKey).update(shared).digest('base64url')}`,
      'its signature is not',
    ],
    ['other claims', `${header}.${encode({ ...claims, sub: 'somebody' })}.${signature}`, 'its signature is not'],
    ['a cut signature', `${header}.${payload}.${signature?.slice(0, 20)}`, 'its signature is not'],
    ['another audience', await issuer.sign(key, { aud: 'them' }), 'it is for another audience'],
    ['no audience', await issuer.sign(key), 'it is for another audience'],
    ['another issuer', await issuer.sign(key, { aud: 'us', iss: 'https://other.example' }), 'another issuer made it'],
    ['an end in the past', await issuer.sign(key, { aud: 'us', exp: seconds - 1 }), 'it has expired'],
    ['no end', await issuer.sign(key, { aud: 'us', exp: undefined }), 'it has expired'],
    ['no token', 'x.y', 'it is not a token'],
  ];
  for (const [what, token, reason] of cases) {
    await expect(verify(token), what).rejects.toThrow(`The browser brought a token that cannot be used: ${reason}`);
  }
});
