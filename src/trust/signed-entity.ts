// What the library of sigstore checks, with the hash that goes with the key. Guarantees: certificates, logs and times
// are checked as before; a signature holds by the key of the certificate and by nothing else.

import type { KeyObject } from 'node:crypto';
import { isSignedWith } from './signature.ts';

/** `SignedEntity` of @sigstore/verify, as far as it is changed. */
interface Signed {
  readonly signature: { readonly signature: Uint8Array; verifySignature(key: KeyObject): boolean };
}

/** The library takes SHA-256 for every envelope (findings/sigstore-verify-hash-of-the-key.sh). */
export function withHashOfKey<Entity extends Signed>(entity: Entity, signed: Uint8Array): Entity {
  const content = entity.signature;
  const verifySignature = (key: KeyObject) =>
    content.verifySignature(key) || isSignedWith(key, signed, content.signature);
  return { ...entity, signature: Object.create(content, { verifySignature: { value: verifySignature } }) };
}
