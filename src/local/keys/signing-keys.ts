// RSA keys of our issuer and of the simulated ones, in table signing_keys. Guarantees: a key is made on first use, by
// whichever process comes first, and every process signs and verifies with what the table says.

import { createHash, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { newRsaKeyPair } from '../../key-pairs.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

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
  const known = store.read((tx) => tx.recall(privates, owner, () => readSigningKey(tx, owner)));
  if (known !== undefined) return known;
  const { privateKey } = await newRsaKeyPair();
  const jwk = privateKey.export({ format: 'jwk' });
  const publicJwk = toPublicJwk(jwk);
  return store.transact((tx) => {
    // Another process may have made one meanwhile; two keys would be right, but one is easier to follow.
    const made = readSigningKey(tx, owner);
    if (made !== undefined) return made;
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
      .recall(publics, owner, () => readPublicKeys(tx, owner))
      .filter(({ retiredAt }) => retiredAt === undefined || retiredAt > tx.now - overlapMs)
      .map(({ jwk }) => jwk),
  );
}

/** Returns whether tokens of this owner are signed here. */
export function hasSigningKey(tx: Tx, owner: string): boolean {
  return tx.get('SELECT 1 FROM signing_keys WHERE issuer = ? LIMIT 1', owner) !== undefined;
}

interface KeptKey {
  readonly jwk: PublicJwk;
  /** Milliseconds since the epoch. */
  readonly retiredAt: number | undefined;
}

// Every token is signed and verified with them, and reading a private key takes longer than signing.
const privates: Memory<SigningKey | undefined> = { tables: ['signing_keys'], most: 100 };
const publics: Memory<readonly KeptKey[]> = { tables: ['signing_keys'], most: 1_000 };

function readPublicKeys(tx: Tx, owner: string): KeptKey[] {
  const rows = tx.all(
    'SELECT public_jwk, retired_at FROM signing_keys WHERE issuer = ? ORDER BY created_at DESC, kid',
    owner,
  );
  return rows.map(({ public_jwk: jwk, retired_at: at }) => ({
    // Written by signingKey only.
    jwk: JSON.parse(String(jwk)) as PublicJwk,
    retiredAt: at === null || at === undefined ? undefined : Number(at),
  }));
}

const overlapMs = 24 * 60 * 60 * 1000;

function readSigningKey(tx: Tx, owner: string): SigningKey | undefined {
  const row = tx.get(current, owner);
  return row === undefined ? undefined : toSigningKey(row);
}

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
