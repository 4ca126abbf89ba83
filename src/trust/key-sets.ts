// Decides whether a text is a key set that tokens can be verified with. Guarantees: pure; says nothing of what is in
// it.

import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** Clauses that complete the name of what holds a key set. */
export interface KeySetVerdict {
  /** Why it must not be sent. */
  readonly problem?: string;
  /** Why nobody will be able to assume an identity with it. */
  readonly warning?: string;
}

export function judgeKeySet(text: string): KeySetVerdict {
  if (text === '') return { problem: 'must not be empty' };
  let keys: unknown;
  try {
    const set: unknown = JSON.parse(text);
    keys = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
  } catch {
    keys = undefined;
  }
  const until = 'so the identity cannot be assumed until it has other keys';
  if (!Array.isArray(keys) || keys.length === 0) {
    return { warning: `is not a JSON Web Key Set with at least one key, ${until}` };
  }
  const isPrivate = (key: unknown) => typeof key === 'object' && key !== null && ('d' in key || 'k' in key);
  if (keys.some(isPrivate)) return { problem: 'must hold public keys only, and one of these is private' };
  const good = keys.filter(isReadable).length;
  if (good === keys.length) return {};
  if (good === 0) return { warning: `holds no key that can verify a signature, ${until}` };
  return { warning: `holds keys that cannot verify a signature: only ${good} of ${keys.length} can` };
}

function isReadable(key: unknown): boolean {
  try {
    // Whatever is wrong with it, createPublicKey throws.
    createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}
