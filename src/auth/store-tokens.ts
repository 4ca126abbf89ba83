import type { IssuedTokens } from '../api/sts.ts';
import type { Config } from '../config/load.ts';
import type { Host } from '../host.ts';
import { decodeClaims } from './jwt.ts';
import type { KeepOptions } from './refresh-store.ts';
import type { LoginRecord } from './token-cache.ts';

/** The parts of one audience: `a,b` asks for one token that is good for both (semantics 3.5). */
export function audienceParts(audience: string): string[] {
  return audience.split(',').filter((part) => part !== '');
}

/** Keeps what an issuer gave, with how it was got. A login without a refresh token removes an older one. */
export async function storeTokens(
  host: Host,
  config: Config,
  audience: string,
  tokens: IssuedTokens,
  how: Omit<LoginRecord, 'subject' | 'refreshIn'>,
  options: KeepOptions = {},
): Promise<LoginRecord> {
  const record = { ...how, issuer: normalIssuer(how.issuer), subject: subjectOf(tokens.token) };
  const { keepTokens } = await import('./refresh-store.ts');
  const kept = { token: tokens.token, refreshToken: tokens.refreshToken ?? null, record };
  await keepTokens(host, config, audience, kept, options);
  return record;
}

/** Returns who a token is of; empty when it does not say. */
export function subjectOf(token: string): string {
  const subject = decodeClaims(token)?.sub;
  return typeof subject === 'string' ? subject : '';
}

/** An issuer as it is compared: with or without a slash at the end it is the same. */
export const normalIssuer = (url: string) => url.replace(/\/+$/, '');
