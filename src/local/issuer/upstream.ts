// Whom the platform believes besides itself: its simulated issuers by the keys in the store, any other by OIDC
// discovery and JWKS. Guarantees: keys come from the issuer's own origin, or one that is known or configured; an issuer that
// cannot be asked is not trusted.

import { grpcCodes } from '../../api/status.ts';
import { quote } from '../../quote.ts';
import { discoverKeys, IssuerUnavailable, isIssuerUrl } from '../../trust/issuer-keys.ts';
import { isPlatformUrl } from '../core/loopback.ts';
import { type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { asStatus, type DecodedToken, hasKeyFor, parseJwks, unverified, verifyJwt } from '../keys/jwt.ts';
import { publicKeys } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';
import type { FetchUpstream } from './fetch-upstream.ts';
import { issuerOriginsVariable } from './issuer-origins.ts';

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
const maxKeySets = 64;
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
    const loading = fetchKeys(issuer, urls, fetchDocument, origins)
      .then((keys) => {
        const keySet = { keys, fetchedAt: clock.now() };
        keySets.delete(issuer);
        const [oldest] = keySets.keys();
        if (keySets.size >= maxKeySets && oldest !== undefined) keySets.delete(oldest);
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

async function fetchKeys(
  issuer: string,
  urls: PlatformUrls,
  fetchDocument: FetchUpstream,
  origins: ReadonlySet<string>,
): Promise<readonly unknown[]> {
  try {
    return await discoverKeys(issuer, {
      fetchDocument,
      refuses(url, isOwn) {
        if (!isOwn && !origins.has(url.origin)) {
          return `is not its own origin; ${issuerOriginsVariable} names others`;
        }
        return isPlatformUrl(url, urls) ? "is this platform's" : undefined;
      },
    });
  } catch (error) {
    if (error instanceof IssuerUnavailable) throw new StatusError(grpcCodes.UNAVAILABLE, error.message);
    throw asStatus(error);
  }
}

/** A token of the platform itself is not believed as one of somebody else's. */
function checkIssuer(issuer: string, urls: PlatformUrls): void {
  if (!isIssuerUrl(issuer) || !isPlatformUrl(new URL(issuer), urls)) return;
  throw unverified(`its issuer ${quote(issuer)} is this platform under another name`);
}
