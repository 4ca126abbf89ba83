// The text that invites somebody (protocols 5, Q8): base64url of JSON whose first key is `grp`. Guarantees: only `kid` and
// `sig` are read when a code comes back; everything else in it is for whoever looks, and the stored row decides.

import { createHash, timingSafeEqual } from 'node:crypto';

export interface InviteCode {
  readonly group: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly keyId: string;
  readonly role: string;
  readonly email: string;
  /** Proves that the code was made here; only its digest is stored. */
  readonly secret: string;
}

export function encodeInviteCode(invite: InviteCode): string {
  const content = {
    grp: invite.group,
    exp: Math.floor(invite.expiresAt / 1000),
    kid: invite.keyId,
    role: invite.role,
    ...(invite.email === '' ? {} : { eml: invite.email }),
    sig: invite.secret,
  };
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/**
 * Returns what a code claims; undefined for text that is none. Takes both alphabets of base64, with padding and
 * without.
 */
export function decodeInviteCode(code: string): { readonly keyId: string; readonly secret: string } | undefined {
  if (code.length > 4096) return undefined;
  try {
    // Node's decoder takes either alphabet.
    const content: unknown = JSON.parse(Buffer.from(code.trim(), 'base64url').toString('utf8'));
    if (typeof content !== 'object' || content === null) return undefined;
    const { kid, sig } = content as Record<string, unknown>;
    return typeof kid === 'string' && typeof sig === 'string' ? { keyId: kid, secret: sig } : undefined;
  } catch {
    return undefined;
  }
}

export function digestOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function isSameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
