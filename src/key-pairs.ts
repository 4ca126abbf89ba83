// New key pairs. Guarantees: what is handed out was read from encoded text. On Node 20 a fresh KeyObject shares a lock with the
// job that made it, and a collection in the middle of `export` frees that job and waits for the lock for ever.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  type RSAKeyPairOptions,
  type X25519KeyPairOptions,
} from 'node:crypto';
import { promisify } from 'node:util';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const encodings: X25519KeyPairOptions<'pem', 'pem'> = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
};
const rsa: RSAKeyPairOptions<'pem', 'pem'> = { modulusLength: 2048, ...encodings };

const read = (pem: { readonly privateKey: string; readonly publicKey: string }): KeyPair => ({
  privateKey: createPrivateKey(pem.privateKey),
  publicKey: createPublicKey(pem.publicKey),
});

/** RSA, 2048 bits; takes a tenth of a second, on another thread. */
export async function newRsaKeyPair(): Promise<KeyPair> {
  return read(await promisify(generateKeyPair)('rsa', rsa));
}

/** At once: RSA of 2048 bits, or an elliptic curve. */
export function newKeyPair(kind: 'rsa' | 'P-256' | 'P-384' | 'P-521' | 'x25519' | 'ed25519'): KeyPair {
  if (kind === 'rsa') return read(generateKeyPairSync('rsa', rsa));
  if (kind === 'x25519') return read(generateKeyPairSync('x25519', encodings));
  if (kind === 'ed25519') return read(generateKeyPairSync('ed25519', encodings));
  return read(generateKeyPairSync('ec', { namedCurve: kind, ...encodings }));
}
