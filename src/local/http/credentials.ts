// Credentials of every protocol. Guarantees: one reading of the Authorization header, whoever asks; what a protocol takes
// of it is its own rule.

import { unauthenticated } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';

export type Credentials =
  | { readonly kind: 'none' }
  /** `Bearer <token>`. */
  | { readonly kind: 'bearer'; readonly token: string }
  /** The token alone, as the file credential of the SDK sends it (semantics 3.11). */
  | { readonly kind: 'bare'; readonly token: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  /** A header that none of these fits. */
  | { readonly kind: 'malformed' };

/** Reads the header or the metadata `authorization`. */
export function readCredentials(header: string | undefined): Credentials {
  const text = (header ?? '').trim();
  if (text === '') return { kind: 'none' };
  const [, scheme, value] = /^(bearer|basic)(?:\s+(\S+))?$/i.exec(text) ?? [];
  if (scheme === undefined) return /\s/.test(text) ? { kind: 'malformed' } : { kind: 'bare', token: text };
  if (value === undefined) return { kind: 'malformed' };
  if (scheme.toLowerCase() === 'bearer') return { kind: 'bearer', token: value };
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return { kind: 'basic', user, password };
}

/** Returns the token, sent with or without the word Bearer; undefined for anything else. */
export function tokenOf(header: string | undefined): string | undefined {
  const credentials = readCredentials(header);
  return credentials.kind === 'bearer' || credentials.kind === 'bare' ? credentials.token : undefined;
}

/** Returns that token. Throws UNAUTHENTICATED without one. */
export function requireToken(header: string | undefined): string {
  const token = tokenOf(header);
  if (token === undefined) throw unauthenticated('the request has no authorization token');
  return token;
}

/** Returns who calls with a token for one of the audiences, the first of which the error names. Throws UNAUTHENTICATED. */
export async function authenticate(
  header: string | undefined,
  audiences: readonly [string, ...string[]],
  verifyAccessToken: (token: string) => Promise<Caller>,
): Promise<Caller> {
  const caller = await verifyAccessToken(requireToken(header));
  if (!caller.audience.some((audience) => audiences.includes(audience.replace(/\/$/, '')))) {
    throw unauthenticated(`the token is not for the audience ${audiences[0]}`);
  }
  return caller;
}
