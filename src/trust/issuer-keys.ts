// The keys of an issuer, by OIDC discovery and JWKS. Guarantees: they come from the issuer's own origin, or one that is known or
// allowed; an issuer that cannot be asked is not trusted. Whoever calls brings what fetches a document.

import { parseObject } from '../json.ts';
import { isLoopbackHost } from '../loopback.ts';
import { quote } from '../quote.ts';
import { parseJwks, TokenError } from './jwt.ts';

/** Fetches a document. Rejects with an Error whose message is one clause; resolves whatever the status. */
export type FetchDocument = (url: URL) => Promise<{ readonly status: number; readonly text: string }>;

export interface KeyDiscovery {
  readonly fetchDocument: FetchDocument;
  /** Why keys must not be at this address, as a clause behind "which …"; undefined where they may. Its own origin is asked too. */
  readonly refuses: (url: URL, isOwn: boolean) => string | undefined;
}

/** The issuer could not be asked: another time it may be. The message is a sentence without full stop. */
export class IssuerUnavailable extends Error {
  override readonly name = 'IssuerUnavailable';
}

/** Returns the keys an issuer publishes. Throws TokenError for one that is not to be believed, else IssuerUnavailable. */
export async function discoverKeys(issuer: string, discovery: KeyDiscovery): Promise<readonly unknown[]> {
  checkIssuer(issuer);
  const address = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const configuration = configurationIn(issuer, await get(issuer, address, discovery));
  if (configuration['issuer'] !== issuer) {
    throw new TokenError(`${quote(issuer)} publishes the configuration of another issuer`);
  }
  const jwksUri = configuration['jwks_uri'];
  if (typeof jwksUri !== 'string' || !URL.canParse(jwksUri)) {
    throw new TokenError(`${quote(issuer)} names no key set`);
  }
  const url = new URL(jwksUri);
  const isOwn = url.origin === new URL(issuer).origin || keySetOrigins.get(issuerHost(issuer)) === url.origin;
  // Whoever may publish a configuration would otherwise choose what we ask of any other server.
  const problem = discovery.refuses(url, isOwn);
  if (problem !== undefined) {
    const where = /^https?:$/.test(url.protocol) ? url.origin : jwksUri;
    throw new TokenError(`the key set of ${quote(issuer)} is at ${quote(where)}, which ${problem}`);
  }
  return parseJwks(await get(issuer, url, discovery));
}

/** An absolute http or https URL that can be an issuer: no query, no fragment, no user (protocols 3.7). */
export function isIssuerUrl(text: string): boolean {
  if (text.length > 255 || !URL.canParse(text)) return false;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb && url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}

function checkIssuer(issuer: string): void {
  if (!isIssuerUrl(issuer)) throw new TokenError(`its issuer ${quote(issuer)} is not a URL that issuers have`);
  const url = new URL(issuer);
  const isHere = isLoopbackHost(url.hostname) || url.hostname.endsWith('.localhost');
  if (url.protocol !== 'https:' && !isHere) {
    throw new TokenError(`its issuer ${quote(issuer)} is not an https URL`);
  }
}

/** Issuers that are known to publish their keys elsewhere. */
const keySetOrigins: ReadonlyMap<string, string> = new Map([
  ['accounts.google.com', 'https://www.googleapis.com'],
  ['sts.windows.net', 'https://login.microsoftonline.com'],
]);

function issuerHost(issuer: string): string {
  const { protocol, host } = new URL(issuer);
  return protocol === 'https:' ? host : '';
}

async function get(issuer: string, url: URL, { fetchDocument }: KeyDiscovery): Promise<string> {
  let document: Awaited<ReturnType<FetchDocument>>;
  try {
    document = await fetchDocument(url);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw new IssuerUnavailable(`issuer ${quote(issuer)} cannot be asked for its keys: ${reason}`);
  }
  const { status, text } = document;
  if (status === 200) return text;
  if (status >= 300 && status < 400) {
    throw new TokenError(`issuer ${quote(issuer)} answers with a redirect, which is not followed`);
  }
  if (status >= 500 || status === 429) {
    throw new IssuerUnavailable(`issuer ${quote(issuer)} answers with HTTP status ${status}`);
  }
  throw new TokenError(
    `issuer ${quote(issuer)} answers with HTTP status ${status} where its configuration or keys should be`,
  );
}

function configurationIn(issuer: string, text: string): Record<string, unknown> {
  const value = parseObject(text);
  if (value !== undefined) return value;
  throw new TokenError(`the configuration of issuer ${quote(issuer)} is not a JSON object`);
}
