// Signatures over what cosign and its relatives sign. Guarantees: no input or output.

import { type KeyObject, verify } from 'node:crypto';

/** Returns what DSSE signs: type and payload with their lengths, so that neither can be taken for the other. */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

/**
 * Returns whether the key made the signature over the bytes. Each curve has its hash (sigstore's algorithm registry), by
 * which cosign 3 signs; cosign 2 took SHA-256 for every key.
 */
export function isSignedWith(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return hashesOf(key).some((hash) => {
    try {
      return verify(hash, bytes, key, signature);
    } catch {
      return false;
    }
  });
}

/** Null where the hash is built in. */
function hashesOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly (string | null)[] {
  if (asymmetricKeyType === 'ed25519') return [null];
  const own = hashes[asymmetricKeyDetails?.namedCurve ?? ''];
  return own === undefined ? ['sha256'] : [own, 'sha256'];
}

const hashes: Readonly<Record<string, string>> = { secp384r1: 'sha384', secp521r1: 'sha512' };
