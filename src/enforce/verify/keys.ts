// Public keys of authorities, wherever a policy has them. Guarantees: what is no key is a refusal that says so.

import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import type { KeySource } from '../policy/types.ts';
import { Refusal } from './refusal.ts';
import type { Surroundings } from './surroundings.ts';

/** The first of a PEM, as policy-controller reads it; an authority has one key. Throws Refusal. */
export async function keyOf(source: KeySource, around: Surroundings): Promise<KeyObject> {
  const pem = await pemOf(source, around);
  const known = keys.get(pem);
  if (known !== undefined) return known;
  const [block, kind = ''] = /-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END [A-Z ]+-----/.exec(pem) ?? [];
  try {
    // Node would make a key of a private one, and of a certificate whatever its time.
    if (block !== undefined && /^(?:RSA )?PUBLIC KEY$/.test(kind)) {
      const key = createPublicKey(block);
      if (keys.size >= mostKeys) keys.clear();
      keys.set(pem, key);
      return key;
    }
  } catch {
    // Said below.
  }
  throw new Refusal('the key of the authority is no public key in PEM');
}

/** By their text: reading one takes longer than verifying with it. */
const keys = new Map<string, KeyObject>();
const mostKeys = 1000;

/** Text of a key or certificate. Throws Refusal. */
export async function pemOf({ data, secretRef, kms }: KeySource, around: Surroundings): Promise<string> {
  if (data !== undefined) return data;
  if (secretRef === undefined) throw new Refusal(`keys in a KMS are not supported (${kms})`);
  const values = await around.secret(secretRef.name, secretRef.namespace);
  const [only, ...others] = Object.values(values ?? {});
  if (only === undefined)
    throw new Refusal(`there is no secret ${secretRef.namespace ?? 'cosign-system'}/${secretRef.name}`);
  const named = values?.['cosign.pub'] ?? values?.['publicKey'];
  if (others.length > 0 && named === undefined) throw new Refusal(`secret ${secretRef.name} must hold one key`);
  return named ?? only;
}

/** Returns whether one of the keys made one of the signatures of the bytes. */
export const isSignedBy = (
  keys: readonly KeyObject[],
  hash: string,
  bytes: Buffer,
  signatures: readonly Buffer[],
): boolean => keys.some((key) => signatures.some((signature) => fits(key, hash, bytes, signature)));

function fits(key: KeyObject, hash: string, bytes: Buffer, signature: Buffer): boolean {
  try {
    // Ed25519 has its hash built in.
    return verifySignature(key.asymmetricKeyType === 'ed25519' ? null : hash, bytes, key, signature);
  } catch {
    return false;
  }
}
