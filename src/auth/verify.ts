// Checks whether a token that came by way of a browser is the issuer's own (protocols 1.8).

import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { notAnIssuer } from '../api/sts.ts';
import { send } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { isObject, parseObject } from '../json.ts';
import { audiencesOf, decodeClaims, decodeHeader } from './jwt.ts';
import { normalIssuer } from './store-tokens.ts';

/** Throws kind `auth` when signature, issuer, audience or time do not fit. */
export async function verifyToken(
  host: Host,
  issuer: string,
  token: string,
  audience: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const claims = decodeClaims(token);
  const header = decodeHeader(token);
  if (claims === undefined || header === undefined) throw refused('it is not a token');
  // Extensions listed there must be understood (RFC 7515, 4.1.11), and nothing is.
  if (header['crit'] !== undefined) throw refused('it asks for an extension that chainctl does not know');
  if (typeof claims.iss !== 'string' || normalIssuer(claims.iss) !== normalIssuer(issuer))
    throw refused('another issuer made it');
  const held = audiencesOf(claims);
  if (!audience.every((one) => held.includes(one))) throw refused('it is for another audience');
  if (typeof claims.exp !== 'number' || claims.exp * 1000 <= host.now()) throw refused('it has expired');

  const discovery = await getJson(host, `${normalIssuer(issuer)}/.well-known/openid-configuration`, signal);
  const address = discovery['jwks_uri'];
  // Keys that came over a plain connection would be anybody's.
  const isAsSafe =
    typeof address === 'string' &&
    URL.canParse(address) &&
    (address.startsWith('https:') || issuer.startsWith('http:'));
  if (!isAsSafe) throw refused('the issuer does not say where its keys are');
  const { keys } = await getJson(host, address, signal);
  const key = (Array.isArray(keys) ? keys : []).find(
    (one: unknown) => isObject(one) && 'kid' in one && one['kid'] === header['kid'],
  );
  if (key === undefined || !isSigned(token, header['alg'], key)) throw refused('its signature is not the issuer’s');
}

function isSigned(token: string, algorithm: unknown, jwk: JsonWebKey): boolean {
  const [header, payload, signature] = token.split('.');
  const signed = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature ?? '', 'base64url');
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    // The algorithm must be the key's: otherwise a token could choose a weaker one.
    if (algorithm === 'RS256') return key.asymmetricKeyType === 'rsa' && verify('sha256', signed, key, bytes);
    if (algorithm !== 'ES256' || jwk.crv !== 'P-256') return false;
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes);
  } catch {
    return false;
  }
}

async function getJson(
  host: Host,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await send(host, {
    method: 'GET',
    url,
    headers: { accept: 'application/json' },
    timeoutMs: 30_000,
    maxBytes: 1024 * 1024,
    signal,
  });
  const value = response.status === 200 ? parseObject(response.text) : undefined;
  if (value !== undefined) return value;
  throw notAnIssuer(new URL(url).origin);
}

function refused(reason: string): CliError {
  return new CliError('auth', `The browser brought a token that cannot be used: ${reason}`, {
    code: 'auth.bad-token',
    hint: 'try again with `chainctl auth login`',
  });
}
