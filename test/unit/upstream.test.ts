// Whose keys are believed: what an issuer publishes, one thing wrong at a time, and how often it is asked.

import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import type { FetchUpstream } from '../../src/local/issuer/fetch-upstream.ts';
import { createUpstream, verifyWithStaticKeys } from '../../src/local/issuer/upstream.ts';
import { decodeJwt } from '../../src/local/keys/jwt.ts';
import { isIssuerUrl } from '../../src/trust/issuer-keys.ts';
import { TestClock } from '../support/platform.ts';
import { testStore } from '../support/store.ts';

const issuer = 'https://i.example.com/realm';
const platform = 'https://platform.example.com';
const urls = { api: platform, issuer: platform, registry: platform, console: `${platform}/console` };
const pair = newKeyPair('P-256');
const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k' };

const token = (iss = issuer, kid = 'k', claims: object = {}) =>
  new SignJWT({ iss, sub: 'robot', aud: platform, exp: 4_000_000_000, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(pair.privateKey);

type Reply = { readonly status?: number; readonly text: string } | Error;

/** A platform and the documents of the web around it. */
async function begin(documents: Readonly<Record<string, Reply>>, origins: readonly string[] = []) {
  const { store, clock } = await testStore();
  const asked: string[] = [];
  const fetchDocument: FetchUpstream = async (url) => {
    asked.push(url.href);
    const reply = documents[url.href] ?? { status: 404, text: '' };
    if (reply instanceof Error) throw reply;
    return { status: reply.status ?? 200, headers: {}, text: reply.text };
  };
  const upstream = createUpstream(store, urls, clock, fetchDocument, new Set(origins));
  const verify = async (it: string): Promise<unknown> => {
    try {
      return await upstream.verify(it, decodeJwt(it));
    } catch (error) {
      const { code, message } = error as { code: number; message: string };
      return `${code} ${message.replace('verifying token: ', '')}`;
    }
  };
  return { store, clock, asked, verify };
}

const configuration = (changes: object = {}) =>
  JSON.stringify({ issuer, jwks_uri: 'https://i.example.com/keys', ...changes });
const keys = (...list: unknown[]) => JSON.stringify({ keys: list });
const wellKnown = `${issuer}/.well-known/openid-configuration`;
const good = { [wellKnown]: { text: configuration() }, 'https://i.example.com/keys': { text: keys(jwk) } };

test('the keys that an issuer names are believed, and it is not simulated', async () => {
  const { asked, verify } = await begin(good);
  expect(await verify(await token())).toBe(false);
  expect(asked).toEqual([wellKnown, 'https://i.example.com/keys']);
});

test('an issuer with a slash at its end publishes below it', async () => {
  const iss = 'https://i.example.com/';
  const { verify } = await begin({
    'https://i.example.com/.well-known/openid-configuration': { text: configuration({ issuer: iss }) },
    'https://i.example.com/keys': { text: keys(jwk) },
  });
  expect(await verify(await token(iss))).toBe(false);
});

describe('not asked is an issuer that', () => {
  test.each([
    ['is no URL', 'issuer', '7 its issuer "issuer" is not a URL that issuers have'],
    ['is not encrypted', 'http://i.example.com', '7 its issuer "http://i.example.com" is not an https URL'],
    ['is another kind of URL', 'ftp://i.example.com', '7 its issuer "ftp://i.example.com" is not'],
    ['is the platform', platform, `7 its issuer "${platform}" is this platform under another name`],
    ['is the platform below a path', `${platform}/x`, `7 its issuer "${platform}/x" is this platform`],
    [
      'has a query',
      'https://i.example.com/?a=b',
      '7 its issuer "https://i.example.com/?a=b" is not a URL that issuers',
    ],
    [
      'has a user without a password',
      'https://a@i.example.com',
      '7 its issuer "https://a@i.example.com" is not a URL that',
    ],
    [
      'has a password only',
      'https://:b@i.example.com',
      '7 its issuer "https://:b@i.example.com" is not a URL that issuers',
    ],
    [
      'has a fragment',
      'https://i.example.com/#a',
      '7 its issuer "https://i.example.com/#a" is not a URL that issuers have',
    ],
    [
      'has a blank',
      'https://i.example.com/a b',
      '7 its issuer "https://i.example.com/a b" is not a URL that issuers have',
    ],
    ['has a host that begins like this machine', 'http://.localhost.i.example.com', '7 its issuer'],
    ['has a user', 'https://a:b@i.example.com', '7 its issuer "https://a:b@i.example.com" is not a URL that issuers'],
  ])('%s', async (_, iss, reason) => {
    const { asked, verify } = await begin({});
    expect(await verify(await token(iss))).toContain(reason);
    expect(asked).toEqual([]);
  });
});

test('an issuer’s address has at most 255 characters', () => {
  const address = `https://i.example.com/${'a'.repeat(233)}`;
  expect([isIssuerUrl(address), isIssuerUrl(`${address}a`)]).toEqual([true, false]);
  for (const bad of ['ftp://i.example.com', 'data:text/plain,x', 'i.example.com', '']) {
    expect(isIssuerUrl(bad), bad).toBe(false);
  }
});

test.each([
  [300, 'a redirect'],
  [302, 'a redirect'],
  [399, 'a redirect'],
  [299, 'HTTP status 299'],
  [400, 'HTTP status 400'],
  [404, 'HTTP status 404'],
  [429, 'HTTP status 429'],
  [499, 'HTTP status 499'],
  [500, 'HTTP status 500'],
])('an issuer that answers with status %i is asked no further', async (status, what) => {
  const { asked, verify } = await begin({ [wellKnown]: { status, text: configuration() } });
  const code = status === 429 || status >= 500 ? 14 : 7;
  expect(await verify(await token())).toMatch(new RegExp(`^${code} .*answers with ${what}`));
  expect(asked).toEqual([wellKnown]);
});

test('an issuer on this machine may do without encryption', async () => {
  const iss = 'http://localhost:4000';
  const { verify } = await begin({
    [`${iss}/.well-known/openid-configuration`]: { text: configuration({ issuer: iss, jwks_uri: `${iss}/keys` }) },
    [`${iss}/keys`]: { text: keys(jwk) },
  });
  expect(await verify(await token(iss))).toBe(false);
});

describe('not believed is an issuer whose', () => {
  const ownKeys = (changes: object) => ({ ...good, [wellKnown]: { text: configuration(changes) } });
  const outside = (uri: string, shown = uri) =>
    `7 the key set of "${issuer}" is at "${shown}", which is not its own origin; CHAINCTL_LOCAL_ISSUER_ORIGINS names others`;

  test.each<[string, Readonly<Record<string, Reply>>, string]>([
    [
      'configuration is another’s',
      ownKeys({ issuer: 'https://i.example.com' }),
      `7 "${issuer}" publishes the configuration of another issuer`,
    ],
    [
      'configuration names none',
      ownKeys({ issuer: undefined }),
      `7 "${issuer}" publishes the configuration of another issuer`,
    ],
    ['configuration has no key set', ownKeys({ jwks_uri: undefined }), `7 "${issuer}" names no key set`],
    ['key set is a list', ownKeys({ jwks_uri: ['https://i.example.com/keys'] }), `7 "${issuer}" names no key set`],
    ['key set is no URL', ownKeys({ jwks_uri: '/keys' }), `7 "${issuer}" names no key set`],
    [
      'key set is on another host',
      ownKeys({ jwks_uri: 'https://j.example.com/keys' }),
      outside('https://j.example.com'),
    ],
    [
      'key set is on another port',
      ownKeys({ jwks_uri: 'https://i.example.com:444/keys' }),
      outside('https://i.example.com:444'),
    ],
    ['key set is not encrypted', ownKeys({ jwks_uri: 'http://i.example.com/keys' }), outside('http://i.example.com')],
    ['key set is a file', ownKeys({ jwks_uri: 'file:///etc/passwd' }), outside('file:///etc/passwd')],
    [
      'key set is where only Google’s may be',
      ownKeys({ jwks_uri: 'https://www.googleapis.com/keys' }),
      outside('https://www.googleapis.com'),
    ],
    [
      'configuration is a list',
      { [wellKnown]: { text: '[]' } },
      `7 the configuration of issuer "${issuer}" is not a JSON object`,
    ],
    [
      'configuration is not JSON',
      { [wellKnown]: { text: '<html>' } },
      `7 the configuration of issuer "${issuer}" is not a JSON object`,
    ],
    [
      'configuration is not there',
      {},
      `7 issuer "${issuer}" answers with HTTP status 404 where its configuration or keys should be`,
    ],
    [
      'configuration is elsewhere',
      { [wellKnown]: { status: 302, text: '' } },
      `7 issuer "${issuer}" answers with a redirect, which is not followed`,
    ],
    [
      'server is busy',
      { [wellKnown]: { status: 429, text: '' } },
      `14 issuer "${issuer}" answers with HTTP status 429`,
    ],
    ['server fails', { [wellKnown]: { status: 500, text: '' } }, `14 issuer "${issuer}" answers with HTTP status 500`],
    ['server is away', { [wellKnown]: new Error('why') }, `14 issuer "${issuer}" cannot be asked for its keys: why`],
    [
      'keys are not there',
      { [wellKnown]: { text: configuration() } },
      `7 issuer "${issuer}" answers with HTTP status 404`,
    ],
    [
      'keys are no key set',
      { ...good, 'https://i.example.com/keys': { text: '{}' } },
      '7 the key set of its issuer is not a JWKS',
    ],
    [
      'keys are others',
      { ...good, 'https://i.example.com/keys': { text: keys({ ...jwk, kid: 'j' }) } },
      '7 no key of its issuer fits it',
    ],
  ])('%s', async (_, documents, reason) => {
    const { verify } = await begin(documents);
    expect(await verify(await token())).toContain(reason);
  });

  test('key set is the platform itself, configured or not', async () => {
    const documents = { [wellKnown]: { text: configuration({ jwks_uri: `${platform}/keys` }) } };
    const { asked, verify } = await begin(documents, [platform]);
    expect(await verify(await token())).toBe(
      `7 the key set of "${issuer}" is at "${platform}", which is this platform's`,
    );
    expect(asked).toEqual([wellKnown]);
  });
});

test('keys may be at a configured origin, and at that of issuers that are known for it', async () => {
  const elsewhere = { [wellKnown]: { text: configuration({ jwks_uri: 'https://j.example.com/keys' }) } };
  const keySet = { 'https://j.example.com/keys': { text: keys(jwk) } };
  const configured = await begin({ ...elsewhere, ...keySet }, ['https://j.example.com']);
  expect(await configured.verify(await token())).toBe(false);
  const google = 'https://accounts.google.com';
  const jwks_uri = 'https://www.googleapis.com/oauth2/v3/certs';
  const known = await begin({
    [`${google}/.well-known/openid-configuration`]: { text: configuration({ issuer: google, jwks_uri }) },
    [jwks_uri]: { text: keys(jwk) },
  });
  expect(await known.verify(await token(google))).toBe(false);
});

describe('an issuer is asked', () => {
  test('again after five minutes, and not before', async () => {
    const { clock, asked, verify } = await begin(good);
    await verify(await token());
    clock.advance(299_999);
    await verify(await token());
    expect(asked).toHaveLength(2);
    clock.advance(1);
    await verify(await token());
    expect(asked).toHaveLength(4);
    // A clock that was set back says nothing about the age of keys.
    clock.advance(-1);
    await verify(await token());
    expect(asked).toHaveLength(6);
  });

  test('again for a key that is new, every ten seconds at most', async () => {
    const { clock, asked, verify } = await begin(good);
    await verify(await token());
    const unknown = await token(issuer, 'new');
    expect(await verify(unknown)).toBe('7 no key of its issuer fits it');
    expect(asked).toHaveLength(2);
    clock.advance(9_999);
    await verify(unknown);
    expect(asked).toHaveLength(2);
    clock.advance(1);
    await verify(unknown);
    expect(asked).toHaveLength(4);
    await verify(unknown);
    expect(asked).toHaveLength(4);
  });

  test('once by many at a time, and again after it failed', async () => {
    const documents: Record<string, Reply> = { ...good };
    const { asked, verify } = await begin(documents);
    const text = await token();
    documents[wellKnown] = new Error('away');
    expect(await Promise.all([verify(text), verify(text)])).toEqual(
      Array(2).fill(`14 issuer "${issuer}" cannot be asked for its keys: away`),
    );
    expect(asked).toHaveLength(1);
    documents[wellKnown] = good[wellKnown] ?? new Error();
    expect(await verify(text)).toBe(false);
  });

  test('of sixty-four the one that was asked first is forgotten', async () => {
    const documents: Record<string, Reply> = {};
    const issuers = Array.from({ length: 65 }, (_, at) => `https://i${at}.example.com`);
    for (const iss of issuers) {
      documents[`${iss}/.well-known/openid-configuration`] = {
        text: configuration({ issuer: iss, jwks_uri: `${iss}/keys` }),
      };
      documents[`${iss}/keys`] = { text: keys(jwk) };
    }
    const { asked, verify } = await begin(documents);
    const ask = async (at: number) => verify(await token(issuers[at]));
    for (const at of issuers.keys()) await ask(at);
    expect(asked).toHaveLength(130);
    await ask(1);
    await ask(64);
    expect(asked).toHaveLength(130);
    await ask(0);
    expect(asked).toHaveLength(132);
  });
});

test('a simulated issuer’s keys are the platform’s own, by their id and with no leeway', async () => {
  const { store, clock, asked, verify } = await begin(good);
  const rsa = newKeyPair('rsa');
  const public_jwk = JSON.stringify({
    ...rsa.publicKey.export({ format: 'jwk' }),
    kid: 'sim',
    alg: 'RS256',
    use: 'sig',
  });
  store.transact((tx) =>
    tx.run(
      "INSERT INTO signing_keys (issuer, kid, private_jwk, public_jwk, created_at) VALUES (?, 'sim', '{}', ?, 0)",
      issuer,
      public_jwk,
    ),
  );
  const seconds = Math.floor(clock.now() / 1000);
  const signed = (exp: number) =>
    new SignJWT({ iss: issuer, sub: 'robot', exp })
      .setProtectedHeader({ alg: 'RS256', kid: 'sim' })
      .sign(rsa.privateKey);
  expect(await verify(await signed(seconds + 1))).toBe(true);
  expect(await verify(await signed(seconds))).toContain('7 oidc: token is expired');
  // Another algorithm with the id of that key is no reason to ask anybody.
  expect(await verify(await token(issuer, 'sim'))).toBe('7 its algorithm "ES256" is not accepted');
  expect(asked).toEqual([]);
  expect(await verify(await token())).toBe(false);
});

test('other machines’ clocks may be a minute off', async () => {
  const { clock, verify } = await begin(good);
  const seconds = Math.floor(clock.now() / 1000);
  expect(await verify(await token(issuer, 'k', { exp: seconds - 58 }))).toBe(false);
  expect(await verify(await token(issuer, 'k', { exp: seconds - 61 }))).toContain('token is expired');
  expect(await verify(await token(issuer, 'k', { nbf: seconds + 60 }))).toBe(false);
  expect(await verify(await token(issuer, 'k', { nbf: seconds + 62 }))).toBe('7 it is not valid yet');
});

test('static keys stand in for what an issuer publishes', async () => {
  const clock = new TestClock();
  const check = async (text: string, jwks: string) => verifyWithStaticKeys(text, decodeJwt(text), jwks, clock);
  const seconds = Math.floor(clock.now() / 1000);
  await check(await token(), keys(jwk));
  await check(await token(issuer, 'k', { exp: seconds - 58 }), keys(jwk));
  await expect(check(await token(issuer, 'k', { exp: seconds - 61 }), keys(jwk))).rejects.toMatchObject({ code: 7 });
  await expect(check(await token(), keys())).rejects.toMatchObject({ code: 7 });
  await expect(check(await token(), 'keys')).rejects.toMatchObject({ code: 7 });
});
