// Reading and verifying signed tokens in compact form. Guarantees: never takes `none` or a shared secret, never picks a key by
// anything but the caller's list, and fails with a TokenError that says why in one clause; no input or output.

import type { JWK } from 'jose';
import { hasNullCharacter, isObject } from '../json.ts';
import { quote } from '../quote.ts';
import type { TokenClaims } from './claim-match.ts';

/** Why a token is not believed: the message is a clause about "it". */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

export interface DecodedToken {
  readonly header: { readonly alg: string; readonly kid: string | undefined };
  readonly claims: Readonly<Record<string, unknown>>;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

/** RSA and EC signatures and EdDSA, by its name of RFC 9864 too; what else exists is `none` or symmetric. */
const thirdPartyAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
  ...['EdDSA', 'Ed25519'],
];

// A key set without key ids would otherwise be tried whole.
const maxKeysTried = 20;

/** Reads a token without believing it. Throws TokenError when it is not one that could ever be believed. */
export function decodeJwt(token: string): DecodedToken {
  const parts = token.split('.');
  const [head, body] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined)
    throw new TokenError('it is not a JSON Web Token');
  const header = parsePart(head);
  const claims = parsePart(body);
  const { alg, kid } = header;
  const { iss, sub, aud, exp } = claims;
  if (typeof alg !== 'string') throw new TokenError('its header names no algorithm');
  // Before any key is looked for: `none` and shared secrets are out, whoever claims to have issued it.
  if (!thirdPartyAlgorithms.includes(alg)) throw notAccepted(alg);
  if (typeof iss !== 'string' || iss === '') throw new TokenError('it names no issuer');
  if (typeof sub !== 'string' || sub === '') throw new TokenError('it names no subject');
  // What keeps texts may end them there, and would then take one account for another.
  if (hasNullCharacter([iss, sub])) throw new TokenError('its issuer or subject holds the character U+0000');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw new TokenError('it has no expiry');
  const audiences = Array.isArray(aud) ? aud : aud === undefined ? [] : [aud];
  if (!audiences.every((item) => typeof item === 'string')) throw new TokenError('its audience is not text');
  return {
    header: { alg, kid: typeof kid === 'string' ? kid : undefined },
    claims,
    // Google once left the scheme out (protocols 4.3).
    issuer: iss === 'accounts.google.com' ? 'https://accounts.google.com' : iss,
    subject: sub,
    audiences,
    expiresAt: exp,
  };
}

export interface Verification {
  readonly keys: readonly unknown[];
  readonly algorithms?: readonly string[];
  /**
   * Remembers by token the key whose signature it bears: no time and no revocation changes that, so nothing else is remembered
   * here. Whether the key may still sign, and whether the token still counts, is looked at each time.
   */
  readonly signers?: { get(token: string): string | undefined; set(token: string, key: string): void };
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How far the other clock may be off. */
  readonly skewSeconds: number;
}

/** Returns whether one of these keys could be the one that signed; false calls for a fresh key set. */
export function hasKeyFor(decoded: DecodedToken, keys: readonly unknown[]): boolean {
  return candidates(decoded, keys).length > 0;
}

/** Checks signature, expiry and not-before. Throws TokenError; audience and subject are for the rules. */
export async function verifyJwt(token: string, decoded: DecodedToken, checks: Verification): Promise<void> {
  await verifySignature(token, decoded, checks);
  checkTimes(decoded, checks);
}

/** Throws TokenError unless one of the keys has signed it. */
export async function verifySignature(
  token: string,
  decoded: DecodedToken,
  checks: Pick<Verification, 'keys' | 'algorithms' | 'signers'>,
): Promise<void> {
  const { alg } = decoded.header;
  const allowed = checks.algorithms ?? thirdPartyAlgorithms;
  if (!allowed.includes(alg)) throw notAccepted(alg);
  const found = candidates(decoded, checks.keys).slice(0, maxKeysTried);
  if (found.length === 0) throw new TokenError('no key of its issuer fits it');
  if (!(await isSignedByOneOf(token, alg, found, checks.signers)))
    throw new TokenError('its signature is not by a key of its issuer');
}

/** Throws TokenError for a token that has expired or is not valid yet. */
export function checkTimes(decoded: DecodedToken, checks: Pick<Verification, 'now' | 'skewSeconds'>): void {
  const seconds = checks.now / 1000;
  if (decoded.expiresAt + checks.skewSeconds <= seconds) {
    throw new TokenError(`oidc: token is expired (Token Expiry: ${goTime(decoded.expiresAt)})`);
  }
  const notBefore = decoded.claims['nbf'];
  if (notBefore !== undefined && (typeof notBefore !== 'number' || notBefore - checks.skewSeconds > seconds)) {
    throw new TokenError('it is not valid yet');
  }
}

/** The public keys in the text of a JWKS. Throws TokenError when it is none. */
export function parseJwks(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TokenError('the key set of its issuer is not JSON');
  }
  const keys = isObject(value) ? value['keys'] : undefined;
  if (!Array.isArray(keys)) throw new TokenError('the key set of its issuer is not a JWKS');
  return keys;
}

/** The issuer that a person signed in with: only ID tokens of the platform have it, and no other token of it does. */
export const upstreamIssuer = 'upstream_iss';

/** The login behind an ID token of the platform, with issuer and subject of the account; undefined for any other token. */
export function upstreamLogin(decoded: DecodedToken, platform: string): TokenClaims | undefined {
  const upstream = decoded.claims[upstreamIssuer];
  if (decoded.issuer !== platform || typeof upstream !== 'string') return undefined;
  const { subject, audiences, claims } = decoded;
  return { issuer: upstream, subject, audiences, all: { ...claims, iss: upstream } };
}

/** Returns what a token says, as rules compare it. */
export function toTokenClaims({ issuer, subject, audiences, claims }: DecodedToken): TokenClaims {
  return { issuer, subject, audiences, all: claims };
}

function notAccepted(algorithm: string): TokenError {
  return new TokenError(`its algorithm ${quote(algorithm)} is not accepted`);
}

async function isSignedByOneOf(
  token: string,
  alg: string,
  keys: readonly JWK[],
  signers: Verification['signers'],
): Promise<boolean> {
  const signer = signers?.get(token);
  if (signer !== undefined && keys.some((jwk) => JSON.stringify(jwk) === signer)) return true;
  const { importJWK, compactVerify } = await import('jose');
  for (const jwk of keys) {
    try {
      const key = await importJWK(jwk, alg);
      await compactVerify(token, key, { algorithms: [alg] });
      signers?.set(token, JSON.stringify(jwk));
      return true;
    } catch {
      // A key that cannot be used, or another one's signature: the next may do.
    }
  }
  return false;
}

/** RFC 9864: an Ed25519 key of before has the older name, and its tokens may have the newer one. */
const nameOf = (algorithm: unknown) => (algorithm === 'Ed25519' ? 'EdDSA' : algorithm);

/** Only the public members are kept, so that odd extras (key_ops, a private part) neither help nor hinder. */
function candidates(decoded: DecodedToken, keys: readonly unknown[]): JWK[] {
  const { alg, kid } = decoded.header;
  const fitting: JWK[] = [];
  for (const key of keys) {
    if (!isObject(key)) continue;
    const { kty, crv, n, e, x, y } = key;
    if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') continue;
    if (kid !== undefined && key['kid'] !== undefined && key['kid'] !== kid) continue;
    if (key['alg'] !== undefined && nameOf(key['alg']) !== nameOf(alg)) continue;
    if (key['use'] !== undefined && key['use'] !== 'sig') continue;
    const members = Object.entries({ crv, n, e, x, y }).filter(([, value]) => typeof value === 'string');
    fitting.push({ kty, ...Object.fromEntries(members) });
  }
  return fitting;
}

function parsePart(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    throw new TokenError('it is not a JSON Web Token');
  }
  if (!isObject(value)) throw new TokenError('it is not a JSON Web Token');
  return value;
}

/** As Go prints a time, e.g. `2025-06-30 12:30:05 +0000 UTC`. */
function goTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return 'out of range';
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
