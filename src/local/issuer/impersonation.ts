// Tokens by which the platform shows itself to a customer's cloud (protocols 4.2, cloud impersonation). Guarantees: good
// for ten minutes, and worth nothing at the platform itself: their subject is nobody there.

import type { PlatformClock } from '../core/types.ts';
import { signJwt } from '../keys/jwt.ts';
import { platformKeyOwner, signingKey } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';

const lifeSeconds = 600;

/** `subject` such as `canary:<group UIDP>`, `audience` as the cloud was told to expect. */
export type SignImpersonation = (subject: string, audience: string) => Promise<string>;

export function createImpersonation(store: Store, issuer: string, clock: PlatformClock): SignImpersonation {
  return async (subject, audience) => {
    const issuedAt = Math.floor(clock.now() / 1000);
    return signJwt(await signingKey(store, platformKeyOwner), {
      iss: issuer,
      sub: subject,
      aud: audience,
      iat: issuedAt,
      exp: issuedAt + lifeSeconds,
    });
  };
}
