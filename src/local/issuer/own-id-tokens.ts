// ID tokens of the device flow. They are for programs that verify them with the discovery document they have got the
// code by, which is the platform's; the account behind them is that of the simulated sign-in issuer.

import type { TokenClaims } from '../../trust/claim-match.ts';
import { upstreamIssuer, upstreamLogin } from '../../trust/jwt.ts';
import type { PlatformClock } from '../core/types.ts';
import { type DecodedToken, signJwt, verifyJwt } from '../keys/jwt.ts';
import { platformKeyOwner, publicKeys, signingKey } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';

export interface OwnIdToken {
  /** The program that asked for the code. */
  readonly clientId: string;
  /** Issuer and subject of the account. */
  readonly upstream: { readonly issuer: string; readonly subject: string };
  /** Profile claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly ttlSeconds: number;
}

export interface OwnIdTokens {
  sign(token: OwnIdToken): Promise<string>;
  /**
   * Returns the login behind such a token, with issuer and subject of the account; undefined for any other token. Throws
   * PERMISSION_DENIED for one that is not signed by the platform or has expired.
   */
  read(token: string, decoded: DecodedToken): Promise<TokenClaims | undefined>;
}

export function createOwnIdTokens(store: Store, issuer: string, clock: PlatformClock): OwnIdTokens {
  return {
    async sign({ clientId, upstream, claims, ttlSeconds }) {
      const issuedAt = Math.floor(clock.now() / 1000);
      return signJwt(await signingKey(store, platformKeyOwner), {
        ...claims,
        [upstreamIssuer]: upstream.issuer,
        iss: issuer,
        sub: upstream.subject,
        // For the program, and for the exchange that it brings the token to.
        aud: [clientId, issuer],
        azp: clientId,
        iat: issuedAt,
        exp: issuedAt + ttlSeconds,
      });
    },

    async read(token, decoded) {
      const login = upstreamLogin(decoded, issuer);
      if (login === undefined) return undefined;
      const keys = publicKeys(store, platformKeyOwner);
      await verifyJwt(token, decoded, { keys, algorithms: ['RS256'], now: clock.now(), skewSeconds: 0 });
      return login;
    },
  };
}
