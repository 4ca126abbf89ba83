// The keys that verify a third party's token, as this machine can get them: from the issuer, or from a platform that simulates
// it. Guarantees: keys come over https or from this machine, and no token is sent anywhere.

import { send } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { isLoopbackHost } from '../loopback.ts';
import { discoverKeys, IssuerUnavailable } from '../trust/issuer-keys.ts';
import { checkTimes, decodeJwt, parseJwks, TokenError, verifySignature } from '../trust/jwt.ts';

export interface IssuerKeys {
  readonly keys: readonly unknown[];
  /** The platform keeps them itself, and its clock is the one that made the token. */
  readonly isSimulated: boolean;
}

export interface KeysQuestion {
  readonly issuer: string;
  /** URL of the platform's own issuer. */
  readonly platform: string;
  readonly signal: AbortSignal;
}

/** Throws TokenError for an issuer that is not to be believed, kind `network` for one that cannot be asked. */
export async function keysOf(host: Host, { issuer, platform, signal }: KeysQuestion): Promise<IssuerKeys> {
  const fetchDocument = async (url: URL) => {
    try {
      return await send(host, { method: 'GET', url: url.href, headers: {}, timeoutMs: 10_000, maxBytes, signal });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error;
    }
  };
  if (isLoopbackHost(new URL(platform).hostname) && issuer !== platform) {
    const url = new URL('/simulated/keys', platform);
    url.searchParams.set('issuer', issuer);
    const { status, text } = await fetchDocument(url);
    if (status === 200) return { keys: parseJwks(text), isSimulated: true };
  }
  const refuses = (_: URL, isOwn: boolean) => (isOwn ? undefined : 'is not its own origin');
  try {
    return { keys: await discoverKeys(issuer, { fetchDocument, refuses }), isSimulated: issuer === platform };
  } catch (error) {
    if (!(error instanceof IssuerUnavailable)) throw error;
    throw new CliError('network', `The signature cannot be checked: ${error.message}`, {
      code: 'network.issuer-keys',
      hint: 'try again, or leave out `--verify`',
    });
  }
}

/** Returns why a token is not to be believed, as a clause; undefined for one that its issuer has signed and that is good now. */
export async function verifyByIssuer(
  host: Host,
  token: string,
  question: Omit<KeysQuestion, 'issuer'>,
): Promise<string | undefined> {
  try {
    const decoded = decodeJwt(token);
    const { keys, isSimulated } = await keysOf(host, { ...question, issuer: decoded.issuer });
    await verifySignature(token, decoded, { keys });
    checkTimes(decoded, { now: host.now(), skewSeconds: isSimulated ? 0 : otherClockSkewSeconds });
    return undefined;
  } catch (error) {
    if (error instanceof TokenError) return error.message;
    throw error;
  }
}

/** Clocks of other machines (protocols 3.4). */
export const otherClockSkewSeconds = 60;

const maxBytes = 1024 * 1024;
