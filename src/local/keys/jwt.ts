// Signed tokens in compact form, as the platform signs and refuses them. Guarantees: signs RS256 only; what is not
// believed is a StatusError that says why in one sentence.

import type { JWTPayload } from 'jose';
import * as trust from '../../trust/jwt.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import { permissionDenied } from '../core/failures.ts';
import type { StatusError } from '../core/types.ts';
import type { SigningKey } from './signing-keys.ts';

export { type DecodedToken, hasKeyFor } from '../../trust/jwt.ts';

/** Claims in alphabetical order, as the published sample has them (protocols 4.1). */
export async function signJwt(key: SigningKey, claims: JWTPayload): Promise<string> {
  const { CompactSign } = await import('jose');
  const sorted = Object.fromEntries(Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1)));
  // Not SignJWT, which copies the claims to add to them: all of them are here.
  const text = new TextEncoder().encode(JSON.stringify(sorted));
  return new CompactSign(text).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(key.privateKey);
}

/** Reads a token without believing it. Throws PERMISSION_DENIED when it is not one that could ever be believed. */
export function decodeJwt(token: string): trust.DecodedToken {
  const known = decodedTokens.get(token);
  if (known !== undefined) return known;
  try {
    const decoded = trust.decodeJwt(token);
    // Only what bears a good signature is worth keeping: everybody can send something else.
    if (signers.get(token) !== undefined) decodedTokens.set(token, decoded);
    return decoded;
  } catch (error) {
    throw asStatus(error);
  }
}

/** Checks signature, expiry and not-before. Throws PERMISSION_DENIED; audience and subject are for the rules. */
export async function verifyJwt(token: string, decoded: trust.DecodedToken, checks: trust.Verification): Promise<void> {
  try {
    await trust.verifyJwt(token, decoded, { ...checks, signers });
  } catch (error) {
    throw asStatus(error);
  }
}

/** The public keys in the text of a JWKS. Throws PERMISSION_DENIED when it is none. */
export function parseJwks(text: string): unknown[] {
  try {
    return trust.parseJwks(text);
  } catch (error) {
    throw asStatus(error);
  }
}

/** Returns why a token is not believed. `reason` is a clause about "it". */
export function unverified(reason: string): StatusError {
  return permissionDenied(`verifying token: ${reason}`);
}

/** By token, the key whose signature it bears. */
const signers = new BoundedMap<string>(4_000_000);
/** Claims by token: the same text always has the same. */
const decodedTokens = new BoundedMap<trust.DecodedToken>(4_000_000);

/** A token that is not believed is the caller's fault; anything else is ours. */
export const asStatus = (error: unknown): unknown =>
  error instanceof trust.TokenError ? unverified(error.message) : error;
