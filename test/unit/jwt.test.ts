// Signed tokens: what a token must say before any key is looked for, which keys may have signed it, and when it is good.

import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { decodeJwt, hasKeyFor, parseJwks, verifyJwt } from '../../src/local/keys/jwt.ts';

const now = Date.parse('2026-03-27T13:55:00Z');
const seconds = now / 1000;
const good = { iss: 'https://i.example.com', sub: 'robot', aud: 'somebody', exp: seconds + 60 };
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const written = (header: unknown, claims: unknown) => `${part(header)}.${part(claims)}.c2ln`;

const pair = newKeyPair('P-256');
const other = newKeyPair('P-256');
const jwk = pair.publicKey.export({ format: 'jwk' });
const otherJwk = other.publicKey.export({ format: 'jwk' });

const signed = (claims: object = good, header: { alg?: string; kid?: string } = { kid: 'k' }) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', ...header }).sign(pair.privateKey);

const denied = (reason: string) => ({ code: 7, message: `verifying token: ${reason}` });

describe('a token is not read that', () => {
  const header = { alg: 'ES256', kid: 'k' };
  test.each<[string, string, string]>([
    ['has two parts', written(header, good).split('.').slice(0, 2).join('.'), 'it is not a JSON Web Token'],
    ['has four parts', `${written(header, good)}.x`, 'it is not a JSON Web Token'],
    ['is no JSON', 'a.b.c', 'it is not a JSON Web Token'],
    ['has a header that is a list', written([], good), 'it is not a JSON Web Token'],
    ['has claims that are text', written(header, 'claims'), 'it is not a JSON Web Token'],
    ['has claims that are null', written(header, null), 'it is not a JSON Web Token'],
    ['names no algorithm', written({ kid: 'k' }, good), 'its header names no algorithm'],
    ['is not signed', written({ alg: 'none' }, good), 'its algorithm "none" is not accepted'],
    ['is signed with a shared secret', written({ alg: 'HS256' }, good), 'its algorithm "HS256" is not accepted'],
    ['names no issuer', written(header, { ...good, iss: undefined }), 'it names no issuer'],
    ['has an empty issuer', written(header, { ...good, iss: '' }), 'it names no issuer'],
    ['has an issuer that is a number', written(header, { ...good, iss: 1 }), 'it names no issuer'],
    ['names no subject', written(header, { ...good, sub: undefined }), 'it names no subject'],
    ['has an empty subject', written(header, { ...good, sub: '' }), 'it names no subject'],
    ['has a subject that is a list', written(header, { ...good, sub: ['robot'] }), 'it names no subject'],
    [
      'has a subject with U+0000',
      written(header, { ...good, sub: 'a\0b' }),
      'its issuer or subject holds the character U+0000',
    ],
    [
      'has an issuer with U+0000',
      written(header, { ...good, iss: 'a\0b' }),
      'its issuer or subject holds the character U+0000',
    ],
    ['never ends', written(header, { ...good, exp: undefined }), 'it has no expiry'],
    ['ends at a text', written(header, { ...good, exp: '4000000000' }), 'it has no expiry'],
    [
      'ends beyond all numbers',
      `${part(header)}.${Buffer.from('{"iss":"i","sub":"s","exp":1e999}').toString('base64url')}.x`,
      'it has no expiry',
    ],
    ['is for a number', written(header, { ...good, aud: 7 }), 'its audience is not text'],
    ['is for a list with a number', written(header, { ...good, aud: ['a', 7] }), 'its audience is not text'],
  ])('%s', (_, token, reason) => {
    expect(() => decodeJwt(token)).toThrow(expect.objectContaining(denied(reason)));
  });
});

test('a token is read as it stands', () => {
  const read = (aud: unknown) => decodeJwt(written({ alg: 'RS256', kid: 7 }, { ...good, aud })).audiences;
  expect([read('a'), read(['a', 'b']), read(undefined), read([])]).toEqual([['a'], ['a', 'b'], [], []]);
  const decoded = decodeJwt(written({ alg: 'ES256', kid: 'k' }, { ...good, iss: 'accounts.google.com' }));
  expect(decoded).toMatchObject({
    header: { alg: 'ES256', kid: 'k' },
    issuer: 'https://accounts.google.com',
    subject: 'robot',
  });
  expect(decodeJwt(written({ alg: 'ES256', kid: 7 }, good)).header.kid).toBeUndefined();
});

const verify = async (token: string, keys: readonly unknown[], checks: object = {}) =>
  verifyJwt(token, decodeJwt(token), { keys, now, skewSeconds: 0, ...checks });

describe('which keys may have signed', () => {
  const fits: readonly (readonly [what: string, key: unknown, fits: boolean])[] = [
    ['the key of that id', { ...jwk, kid: 'k' }, true],
    ['a key without an id', jwk, true],
    ['the same key of another id', { ...jwk, kid: 'j' }, false],
    ['the same key for that algorithm', { ...jwk, kid: 'k', alg: 'ES256' }, true],
    ['the same key for another algorithm', { ...jwk, kid: 'k', alg: 'ES384' }, false],
    ['the same key for signatures', { ...jwk, kid: 'k', use: 'sig' }, true],
    ['the same key for encryption', { ...jwk, kid: 'k', use: 'enc' }, false],
    ['a key of an unknown type', { ...jwk, kid: 'k', kty: 'XX' }, false],
    ['a shared secret', { kty: 'oct', kid: 'k', k: 'c2VjcmV0' }, false],
    ['a text', 'key', false],
    ['a list', [jwk], false],
    ['nothing', null, false],
  ];

  test.each(fits)('%s', async (_, key, isRight) => {
    const token = await signed();
    expect(hasKeyFor(decodeJwt(token), [key])).toBe(isRight);
    if (isRight) await verify(token, [key]);
    else await expect(verify(token, [key])).rejects.toMatchObject(denied('no key of its issuer fits it'));
  });

  test('a token without a key id is tried with each key', async () => {
    await verify(await signed(good, {}), [
      { ...otherJwk, kid: 'j' },
      { ...jwk, kid: 'k' },
    ]);
  });

  test('the key of another is not taken, and of many only twenty are tried', async () => {
    const token = await signed();
    const reason = 'its signature is not by a key of its issuer';
    await expect(verify(token, [{ ...otherJwk, kid: 'k' }])).rejects.toMatchObject(denied(reason));
    await verify(token, [...Array(19).fill(otherJwk), jwk]);
    await expect(verify(token, [...Array(20).fill(otherJwk), jwk])).rejects.toMatchObject(denied(reason));
  });

  test('a private part and odd extras do not matter', async () => {
    await verify(await signed(), [{ ...pair.privateKey.export({ format: 'jwk' }), key_ops: ['verify'], ext: 1 }]);
  });

  test('Ed25519 has two names', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = { ...publicKey.export({ format: 'jwk' }), kid: 'k' };
    for (const alg of ['EdDSA', 'Ed25519']) {
      const token = await new SignJWT(good).setProtectedHeader({ alg, kid: 'k' }).sign(privateKey);
      await verify(token, [key]);
      for (const named of ['EdDSA', 'Ed25519']) await verify(token, [{ ...key, alg: named }]);
      await expect(verify(token, [{ ...key, alg: 'ES256' }])).rejects.toMatchObject({ code: 7 });
    }
  });

  test('a key that cannot be used is passed over', async () => {
    await verify(await signed(), [{ kty: 'EC', crv: 'P-256', x: 'AA' }, jwk]);
  });

  test('changed claims are not believed, and a public key is no shared secret', async () => {
    const [head = '', , signature = ''] = (await signed()).split('.');
    const changed = `${head}.${part({ ...good, sub: 'other' })}.${signature}`;
    await expect(verify(changed, [jwk])).rejects.toMatchObject(denied('its signature is not by a key of its issuer'));
    const text = `${part({ alg: 'HS256', kid: 'k' })}.${part(good)}`;
    const forged = `${text}.${createHmac('sha256', JSON.stringify(jwk)).update(text).digest('base64url')}`;
    await expect(verify(`${text.replace('HS256', 'ES256')}.x`, [jwk])).rejects.toMatchObject({ code: 7 });
    expect(() => decodeJwt(forged)).toThrow('"HS256" is not accepted');
  });

  test('an algorithm that the caller does not take is refused before any key is tried', async () => {
    const token = await signed();
    await expect(verify(token, [jwk], { algorithms: ['RS256'] })).rejects.toMatchObject(
      denied('its algorithm "ES256" is not accepted'),
    );
    await verify(token, [jwk], { algorithms: ['RS256', 'ES256'] });
  });
});

describe('when a token is good', () => {
  test.each<[string, object, number, string | undefined]>([
    ['until its last second', { exp: seconds + 1 }, 0, undefined],
    [
      'not from its expiry on',
      { exp: seconds },
      0,
      'oidc: token is expired (Token Expiry: 2026-03-27 13:55:00 +0000 UTC)',
    ],
    ['a minute longer for other clocks', { exp: seconds - 59 }, 60, undefined],
    [
      'and no more than that',
      { exp: seconds - 60 },
      60,
      'oidc: token is expired (Token Expiry: 2026-03-27 13:54:00 +0000 UTC)',
    ],
    ['from its first second', { nbf: seconds }, 0, undefined],
    ['not before', { nbf: seconds + 1 }, 0, 'it is not valid yet'],
    ['a minute earlier for other clocks', { nbf: seconds + 60 }, 60, undefined],
    ['and no earlier', { nbf: seconds + 61 }, 60, 'it is not valid yet'],
    ['not when its beginning is a text', { nbf: '0' }, 0, 'it is not valid yet'],
  ])('%s', async (_, claims, skewSeconds, reason) => {
    const outcome = verify(await signed({ ...good, ...claims }), [jwk], { skewSeconds });
    if (reason === undefined) await outcome;
    else await expect(outcome).rejects.toMatchObject(denied(reason));
  });
});

test('a key set is an object with a list of keys', () => {
  expect(parseJwks(JSON.stringify({ keys: [jwk] }))).toEqual([jwk]);
  expect(() => parseJwks('keys')).toThrow('the key set of its issuer is not JSON');
  for (const text of ['[]', '{}', '{"keys":{}}', 'null', '"keys"']) {
    expect(() => parseJwks(text), text).toThrow('the key set of its issuer is not a JWKS');
  }
});
