// Whom the platform believes besides itself: its simulated issuers by the keys in the store, any other by OIDC
// discovery and JWKS. Guarantees: keys come from the issuer's own origin, or one that is known or configured; an issuer that
// cannot be asked is not trusted.

import { grpcCodes } from '../../api/status.ts';
import { isLoopbackHttp, isPlatformUrl } from '../core/loopback.ts';
import type { OutgoingAnswer } from '../core/outgoing.ts';
import { quote } from '../core/quote.ts';
import { type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { type DecodedToken, hasKeyFor, isObject, parseJwks, unverified, verifyJwt } from '../keys/jwt.ts';
import { publicKeys } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';
import type { FetchUpstream } from './fetch-upstream.ts';
import { issuerOriginsVariable } from './issuer-origins.ts';
import { isIssuerUrl } from './simulated.ts';

export interface Upstream {
  /**
   * Checks the token with the keys of the issuer it names. Throws PERMISSION_DENIED, or UNAVAILABLE to try again. True when
   * the platform itself simulates the issuer: then whoever has such a token has the platform's folder.
   */
  verify(token: string, decoded: DecodedToken): Promise<boolean>;
}

interface KeySet {
  readonly keys: readonly unknown[];
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number;
}

const keySetLifeMs = 5 * 60_000;
// An unknown key id may be a fresh rotation or a forged header; the latter must not make us a hammer.
const refetchPauseMs = 10_000;
const mostKeySets = 64;
// Clocks of other machines; our own simulated issuers share our clock.
const otherClockSkewSeconds = 60;

export function createUpstream(
  store: Store,
  urls: PlatformUrls,
  clock: PlatformClock,
  fetchDocument: FetchUpstream,
  origins: ReadonlySet<string>,
): Upstream {
  const keySets = new Map<string, KeySet>();
  const underWay = new Map<string, Promise<KeySet>>();

  const load = (issuer: string): Promise<KeySet> => {
    const running = underWay.get(issuer);
    if (running !== undefined) return running;
    const loading = discoverKeys(issuer, urls, fetchDocument, origins)
      .then((keys) => {
        const keySet = { keys, fetchedAt: clock.now() };
        keySets.delete(issuer);
        const [oldest] = keySets.keys();
        if (keySets.size >= mostKeySets && oldest !== undefined) keySets.delete(oldest);
        keySets.set(issuer, keySet);
        return keySet;
      })
      .finally(() => underWay.delete(issuer));
    underWay.set(issuer, loading);
    return loading;
  };

  return {
    async verify(token, decoded) {
      const { issuer, header } = decoded;
      const simulated = publicKeys(store, issuer).filter(({ kid }) => kid === header.kid);
      if (simulated.length > 0) {
        await verifyJwt(token, decoded, { keys: simulated, algorithms: ['RS256'], now: clock.now(), skewSeconds: 0 });
        return true;
      }
      checkIssuer(issuer, urls);
      const known = keySets.get(issuer);
      const age = known === undefined ? undefined : clock.now() - known.fetchedAt;
      let keySet =
        known !== undefined && age !== undefined && age >= 0 && age < keySetLifeMs ? known : await load(issuer);
      if (!hasKeyFor(decoded, keySet.keys) && clock.now() - keySet.fetchedAt >= refetchPauseMs) {
        keySet = await load(issuer);
      }
      const now = clock.now();
      await verifyJwt(token, decoded, { keys: keySet.keys, now, skewSeconds: otherClockSkewSeconds });
      return false;
    },
  };
}

/** Static keys stand in for discovery (protocols 3.4); their clock is some other machine's. */
export async function verifyWithStaticKeys(
  token: string,
  decoded: DecodedToken,
  jwks: string,
  clock: PlatformClock,
): Promise<void> {
  await verifyJwt(token, decoded, { keys: parseJwks(jwks), now: clock.now(), skewSeconds: otherClockSkewSeconds });
}

async function discoverKeys(
  issuer: string,
  urls: PlatformUrls,
  fetchDocument: FetchUpstream,
  origins: ReadonlySet<string>,
): Promise<readonly unknown[]> {
  const configuration = parseObject(
    issuer,
    await get(issuer, new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`), fetchDocument),
  );
  if (configuration['issuer'] !== issuer) {
    throw unverified(`${quote(issuer)} publishes the configuration of another issuer`);
  }
  const jwksUri = configuration['jwks_uri'];
  if (typeof jwksUri !== 'string' || !URL.canParse(jwksUri)) throw unverified(`${quote(issuer)} names no key set`);
  const url = new URL(jwksUri);
  const isOwn = url.origin === new URL(issuer).origin || keySetOrigins.get(issuerHost(issuer)) === url.origin;
  // Whoever may publish a configuration would otherwise choose what we ask of any other server.
  if (!isOwn && !origins.has(url.origin)) {
    throw unverified(
      `the key set of ${quote(issuer)} is at ${quote(/^https?:$/.test(url.protocol) ? url.origin : jwksUri)}, which is not its own origin; ` +
        `${issuerOriginsVariable} names others`,
    );
  }
  if (isPlatformUrl(url, urls)) throw unverified(`the key set of ${quote(issuer)} is this platform's`);
  return parseJwks(await get(issuer, url, fetchDocument));
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

async function get(issuer: string, url: URL, fetchDocument: FetchUpstream): Promise<string> {
  let document: OutgoingAnswer;
  try {
    document = await fetchDocument(url);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw new StatusError(grpcCodes.UNAVAILABLE, `issuer ${quote(issuer)} cannot be asked for its keys: ${reason}`);
  }
  const { status, text } = document;
  if (status === 200) return text;
  if (status >= 300 && status < 400) {
    throw unverified(`issuer ${quote(issuer)} answers with a redirect, which is not followed`);
  }
  if (status >= 500 || status === 429) {
    throw new StatusError(grpcCodes.UNAVAILABLE, `issuer ${quote(issuer)} answers with HTTP status ${status}`);
  }
  throw unverified(
    `issuer ${quote(issuer)} answers with HTTP status ${status} where its configuration or keys should be`,
  );
}

function parseObject(issuer: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw unverified(`the configuration of issuer ${quote(issuer)} is not a JSON object`);
}

function checkIssuer(issuer: string, urls: PlatformUrls): void {
  if (!isIssuerUrl(issuer)) throw unverified(`its issuer ${quote(issuer)} is not a URL that issuers have`);
  const url = new URL(issuer);
  if (url.protocol !== 'https:' && !isLoopbackHttp(url)) {
    throw unverified(`its issuer ${quote(issuer)} is not an https URL`);
  }
  if (isPlatformUrl(url, urls)) throw unverified(`its issuer ${quote(issuer)} is this platform under another name`);
}
