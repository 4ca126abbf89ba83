// What a browser brings is believed only when the issuer's own key signed it, for us, and now.

import { createHmac, sign } from 'node:crypto';
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

/** RSA keys take a second to make. */
async function world(alg = 'ES256') {
  const host = new FakeHost({ now: Math.floor(Date.now() / 1000) * 1000 });
  hosts.push(host);
  const issuer = await startLoopbackIssuer(() => host.now());
  const key = await issuer.addKey(alg);
  const verify = (token: string, audience = ['us']) => verifyToken(host, issuer.url, token, audience, undefined);
  return { host, issuer, key, verify };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('a token of the issuer’s own keys, for one audience or several', async () => {
  const { issuer, key, verify } = await world('RS256');
  await verify(await issuer.sign(key, { aud: 'us' }));
  await verify(await issuer.sign(await issuer.addKey('ES256'), { aud: ['them', 'us'] }));
});

test('whatever it says of itself, another key, issuer, audience, time or algorithm is refused', async () => {
  const { host, issuer, key, verify } = await world();
  const other = await issuer.addKey('ES256', { publish: false });
  const seconds = Math.floor(host.now() / 1000);
  const claims = { iss: issuer.url, sub: 'robot', aud: 'us', iat: seconds, exp: seconds + 3600 };
  const signed = (header: Record<string, unknown>, privateKey = key.privateKey, crit: Record<string, boolean> = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: String(key.kid), ...header })
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
    ['an end now', await issuer.sign(key, { aud: 'us', exp: seconds }), 'it has expired'],
    ['an end in words', await issuer.sign(key, { aud: 'us', exp: `${seconds + 3600}` }), 'it has expired'],
    ['no issuer', await issuer.sign(key, { aud: 'us', iss: undefined }), 'another issuer made it'],
    ['an issuer that is a number', `${header}.${encode({ ...claims, iss: 7 })}.${signature}`, 'another issuer made it'],
    ['no end', await issuer.sign(key, { aud: 'us', exp: undefined }), 'it has expired'],
    ['no token', 'x.y', 'it is not a token'],
    ['no head', `x.${payload}.${signature}`, 'it is not a token'],
    ['a head that is a list', `${encode([])}.${payload}.${signature}`, 'it is not a token'],
    ['no claims', `${header}.x.${signature}`, 'it is not a token'],
  ];
  for (const [what, token, reason] of cases) {
    await expect(verify(token), what).rejects.toThrow(`The browser brought a token that cannot be used: ${reason}`);
  }
});

test('for several audiences, the token must name each', async () => {
  const { issuer, key, verify } = await world();
  const both = await issuer.sign(key, { aud: ['us', 'them', 'others'] });
  await verify(both, ['us', 'them']);
  await verify(both, []);
  await expect(verify(await issuer.sign(key, { aud: 'us' }), ['us', 'them'])).rejects.toThrow('another audience');
});

test('a token that ends in a moment is good until then', async () => {
  const { host, issuer, key, verify } = await world();
  await verify(await issuer.sign(key, { aud: 'us', exp: host.now() / 1000 + 1 }));
});

test('a key signs with its own algorithm only, whatever the token says', async () => {
  const { host, issuer, key: rsa, verify } = await world('RS256');
  const seconds = host.now() / 1000;
  const payload = encode({ iss: issuer.url, sub: 'robot', aud: 'us', exp: seconds + 60 });
  const small = await issuer.addKey('ES256', { kid: 'small' });
  const large = await issuer.addKey('ES384', { kid: 'large' });
  const token = (alg: string, key: typeof rsa, dsaEncoding: 'der' | 'ieee-p1363') => {
    const text = `${encode({ alg, kid: key.kid })}.${payload}`;
    const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding });
    return `${text}.${signature.toString('base64url')}`;
  };
  await verify(token('RS256', rsa, 'der'));
  await verify(token('ES256', small, 'ieee-p1363'));
  for (const bad of [
    token('ES256', rsa, 'ieee-p1363'),
    token('ES256', large, 'ieee-p1363'),
    token('RS256', small, 'der'),
    token('ES384', small, 'ieee-p1363'),
    token('ES256', small, 'der'),
  ]) {
    await expect(verify(bad)).rejects.toThrow('its signature is not');
  }
});

test.each<[what: string, path: string, status: number, body: string, message: string]>([
  ['names no place of its keys', '/.well-known/openid-configuration', 200, '{}', 'does not say where its keys are'],
  ['names a number', '/.well-known/openid-configuration', 200, '{"jwks_uri":7}', 'does not say where its keys are'],
  [
    'names no address',
    '/.well-known/openid-configuration',
    200,
    '{"jwks_uri":"keys"}',
    'does not say where its keys are',
  ],
  ['answers a list', '/.well-known/openid-configuration', 200, '[]', 'did not answer like a Chainguard issuer'],
  ['answers nothing', '/.well-known/openid-configuration', 200, 'null', 'did not answer like a Chainguard issuer'],
  ['is no JSON', '/.well-known/openid-configuration', 200, '<html>', 'did not answer like a Chainguard issuer'],
  ['has no keys to show', '/keys', 404, '{"keys":[]}', 'did not answer like a Chainguard issuer'],
  ['has no list of keys', '/keys', 200, '{"keys":{}}', 'its signature is not'],
  ['has keys that are none', '/keys', 200, '{"keys":[null,7,"key",{},{"kid":null}]}', 'its signature is not'],
])('an issuer that %s vouches for nothing', async (_, path, status, body, message) => {
  const { issuer, key, verify } = await world();
  const token = await issuer.sign(key, { aud: 'us' });
  issuer.answers.set(path, (response) => response.writeHead(status).end(body));
  await expect(verify(token)).rejects.toThrow(message);
});

test('keys that are none do not hide the one that is', async () => {
  const { issuer, key, verify } = await world();
  const token = await issuer.sign(key, { aud: 'us' });
  const keys = [null, 7, 'key', {}, { kid: 'other' }, key.publicJwk];
  issuer.answers.set('/keys', (response) => response.end(JSON.stringify({ keys })));
  await verify(token);
});
