// RSA keys of our issuer and of the simulated ones, in table signing_keys. Guarantees: a key is made on first use, by
// whichever process comes first, and every process signs and verifies with what the table says.

import { createHash, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { newRsaKeyPair } from '../../key-pairs.ts';
import type { SqlRow, Store } from '../store/database.ts';

/** Owner of the platform's own key; every other owner is the URL of a simulated issuer. */
export const platformKeyOwner = 'platform';

export interface SigningKey {
  /** SHA-256 thumbprint (RFC 7638), hex. */
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface PublicJwk {
  readonly kty: 'RSA';
  readonly kid: string;
  readonly alg: 'RS256';
  readonly use: 'sig';
  readonly n: string;
  readonly e: string;
}

/** The key this owner signs with. Makes one (RSA 2048) when there is none. */
export async function signingKey(store: Store, owner: string): Promise<SigningKey> {
  const row = store.read((tx) => tx.get(current, owner));
  if (row !== undefined) return toSigningKey(row);
  const { privateKey } = await newRsaKeyPair();
  const jwk = privateKey.export({ format: 'jwk' });
  const publicJwk = toPublicJwk(jwk);
  return store.transact((tx) => {
    // Another process may have made one meanwhile; two keys would be right, but one is easier to follow.
    const made = tx.get(current, owner);
    if (made !== undefined) return toSigningKey(made);
    tx.run(
      'INSERT INTO signing_keys (issuer, kid, private_jwk, public_jwk, created_at) VALUES (?, ?, ?, ?, ?)',
      owner,
      publicJwk.kid,
      JSON.stringify(jwk),
      JSON.stringify(publicJwk),
      tx.now,
    );
    return { kid: publicJwk.kid, privateKey };
  });
}

/** The public keys this owner's tokens may be signed with, newest first; retired keys for a day more (protocols Q24). */
export function publicKeys(store: Store, owner: string): PublicJwk[] {
  return store.read((tx) =>
    tx
      .all(
        `SELECT public_jwk FROM signing_keys WHERE issuer = ? AND (retired_at IS NULL OR retired_at > ?)
         ORDER BY created_at DESC, kid`,
        owner,
        tx.now - overlapMs,
      )
      // Written by signingKey only.
      .map((row) => JSON.parse(String(row['public_jwk'])) as PublicJwk),
  );
}

const overlapMs = 24 * 60 * 60 * 1000;

const current = `SELECT kid, private_jwk FROM signing_keys WHERE issuer = ? AND retired_at IS NULL
  ORDER BY created_at DESC, kid LIMIT 1`;

function toSigningKey(row: SqlRow): SigningKey {
  const jwk = JSON.parse(String(row['private_jwk'])) as JsonWebKey;
  return { kid: String(row['kid']), privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) };
}

function toPublicJwk(jwk: JsonWebKey): PublicJwk {
  const { n, e } = jwk;
  if (n === undefined || e === undefined) throw new Error('an RSA key has a modulus and an exponent');
  // The members that a thumbprint covers, in the order RFC 7638 wants them.
  const kid = createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('hex');
  return { kty: 'RSA', kid, alg: 'RS256', use: 'sig', n, e };
}
