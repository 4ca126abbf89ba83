// Tokens of the platform itself (protocols 4.1, semantics 3.1). Guarantees: only our own key is believed, only RS256,
// and only while the identity exists and has not expired.

import { decodeCapabilities, encodeCapabilities } from '../../api/capabilities.ts';
import { isObject } from '../../json.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import { unauthenticated } from '../core/failures.ts';
import { type Caller, type PlatformClock, StatusError } from '../core/types.ts';
import { type DecodedToken, decodeJwt, signJwt, verifyJwt } from '../keys/jwt.ts';
import { platformKeyOwner, publicKeys, signingKey } from '../keys/signing-keys.ts';
import type { Actor } from '../sessions/session.ts';
import type { Store } from '../store/database.ts';

export interface AccessToken extends Actor {
  readonly identity: string;
  readonly audience: readonly string[];
  readonly grants: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether the token was asked to carry less than the identity holds. */
  readonly narrowed?: boolean;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface AccessTokens {
  /** Signs an access token. */
  sign(token: AccessToken): Promise<string>;
  /** The caller of an API request. Throws UNAUTHENTICATED, with a sentence that holds no secret. */
  verify(token: string): Promise<Caller>;
}

/** Names that tokens for the API may have as their audience besides its own. */
export interface ApiAudiences {
  readonly api: string;
  readonly aliases: readonly string[];
}

export function createAccessTokens(
  store: Store,
  issuer: string,
  clock: PlatformClock,
  audiences?: ApiAudiences,
): AccessTokens {
  /** Claims of verified tokens. Whether a token still counts is checked each time. */
  const callers = new BoundedMap<Caller>(4_000_000);
  return {
    async sign(token) {
      const capabilities = [...token.grants]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([group, held]) => [group, encodedOnce(held)] as const);
      return signJwt(await signingKey(store, platformKeyOwner), {
        iss: issuer,
        sub: token.identity,
        aud: oneOrMany(token.audience),
        iat: token.issuedAt,
        exp: token.expiresAt,
        act: { ...token.act },
        cap: Object.fromEntries(capabilities),
        // A claim of ours, and in narrowed tokens only: grants alone do not tell narrowed from old.
        ...(token.narrowed === true ? { narrowed: true } : {}),
        ...(token.email === undefined ? {} : { email: token.email, email_verified: token.emailVerified }),
        ...(token.profile === undefined ? {} : { upstream: token.profile }),
      });
    },

    async verify(token) {
      const decoded = await verifyOwn(store, issuer, clock, token);
      let caller = callers.get(token);
      if (caller === undefined) {
        caller = withApiAudience(toCaller(decoded), audiences);
        callers.set(token, caller);
      }
      const { identity, issuedAt } = caller;
      store.read((tx) => requireLiveIdentity(tx, { identity, issuedAt }));
      return caller;
    },
  };
}

/** A token for an alias of the API is one for the API, to whichever protocol reads it. */
function withApiAudience(caller: Caller, audiences: ApiAudiences | undefined): Caller {
  if (audiences === undefined) return caller;
  const aliases = new Set(audiences.aliases.map(plain));
  if (!caller.audience.some((audience) => aliases.has(plain(audience)))) return caller;
  return { ...caller, audience: [...caller.audience, audiences.api] };
}

const plain = (audience: string): string => audience.replace(/\/$/, '');

async function verifyOwn(store: Store, issuer: string, clock: PlatformClock, token: string): Promise<DecodedToken> {
  try {
    const decoded = decodeJwt(token);
    if (decoded.issuer !== issuer) throw unauthenticated('the token is not from this platform');
    const keys = publicKeys(store, platformKeyOwner);
    // No leeway: the clock that issued the token is the one that reads it.
    await verifyJwt(token, decoded, { keys, algorithms: ['RS256'], now: clock.now(), skewSeconds: 0 });
    return decoded;
  } catch (error) {
    throw error instanceof StatusError ? unauthenticated(error.message) : error;
  }
}

/** Grants are read once and carried by many tokens. */
const encoded = new WeakMap<ReadonlySet<string>, string>();

function encodedOnce(held: ReadonlySet<string>): string {
  let text = encoded.get(held);
  if (text === undefined) {
    text = encodeCapabilities(held);
    encoded.set(held, text);
  }
  return text;
}

/** One audience is written bare, several as a list (protocols Q16). */
function oneOrMany(audience: readonly string[]): string | string[] {
  const [only, ...more] = audience;
  return only !== undefined && more.length === 0 ? only : [...audience];
}

function toCaller(decoded: DecodedToken): Caller {
  const { act, cap, email, iat, narrowed, upstream } = decoded.claims;
  const actor = Object.entries(isObject(act) ? act : {}).filter((entry): entry is [string, string] => {
    return typeof entry[1] === 'string';
  });
  const groups = Object.entries(isObject(cap) ? cap : {});
  return {
    identity: decoded.subject,
    issuer: decoded.issuer,
    audience: decoded.audiences,
    issuedAt: typeof iat === 'number' ? iat : 0,
    expiresAt: decoded.expiresAt,
    email: typeof email === 'string' ? email : undefined,
    actor: Object.fromEntries(actor),
    profile: isObject(upstream) ? upstream : undefined,
    narrowed: narrowed === true,
    ceiling: new Map(groups.map(([group, encoded]) => [group, new Set(decodeCapabilities(encoded))])),
  };
}
