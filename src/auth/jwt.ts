import { parseObject } from '../json.ts';
// Reads claims of tokens without checking a signature: good enough to plan, never to trust.

export interface Claims {
  readonly iss?: unknown;
  readonly sub?: unknown;
  readonly aud?: unknown;
  /** Seconds since the epoch. */
  readonly iat?: unknown;
  readonly exp?: unknown;
  readonly email?: unknown;
  readonly [name: string]: unknown;
}

/** The middle part of a JWT; undefined when it is not one. At least two parts are needed (semantics 3.1). */
export function decodeClaims(token: string): Claims | undefined {
  const part = token.split('.')[1];
  if (part === undefined || !/^[\w-]+=*$/.test(part)) return undefined;
  return parseObject(Buffer.from(part, 'base64url').toString('utf8'));
}

/** The first part of a JWT; undefined when it is not one. */
export function decodeHeader(token: string): Readonly<Record<string, unknown>> | undefined {
  const [part = '', ...others] = token.split('.');
  if (others.length < 1 || !/^[\w-]+=*$/.test(part)) return undefined;
  return parseObject(Buffer.from(part, 'base64url').toString('utf8'));
}

/** `aud` as a list; the wire has a string or an array. */
export function audiencesOf(claims: Claims): string[] {
  if (typeof claims.aud === 'string') return [claims.aud];
  return Array.isArray(claims.aud) ? claims.aud.filter((one) => typeof one === 'string') : [];
}

/** Until when a JWT is good, in milliseconds since the epoch; 0 when it does not say. */
export function expiryOf(token: string): number {
  return milliseconds(decodeClaims(token)?.exp);
}

/** Until when a refresh token is good, in milliseconds since the epoch; 0 when it does not say (semantics 3.3). */
export function refreshExpiryOf(refreshToken: string): number {
  return milliseconds(parseObject(Buffer.from(refreshToken, 'base64').toString('utf8'))?.['exp']);
}

function milliseconds(seconds: unknown): number {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : 0;
}
