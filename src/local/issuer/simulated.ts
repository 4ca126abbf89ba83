// Tokens as third parties would sign them, made with keys that this platform keeps for their URLs. Guarantees: needs the
// store and nothing else, so another process can mint while the platform runs or when it does not.

import { CliError } from '../../errors.ts';
import type { ThirdPartyClaims } from '../../trust/ci-claims.ts';
import { isIssuerUrl } from '../../trust/issuer-keys.ts';
import { developerIssuer, people, subjectOfEmail } from '../iam/people.ts';
import { signJwt } from '../keys/jwt.ts';
import { signingKey } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';

export interface ThirdPartyToken {
  /** URL of the issuer; never one of the platform's own. */
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string | readonly string[];
  /** Further claims. They cannot replace iss, sub, aud, iat, nbf and exp. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Defaults to one hour. */
  readonly ttlSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A signed ID token. Makes the simulated issuer's key on first use. Throws a usage CliError for what no issuer signs. */
export async function mintThirdPartyToken(store: Store, token: ThirdPartyToken): Promise<string> {
  const { issuer, subject, audience, claims = {}, ttlSeconds = 3600, now } = token;
  // Also keeps the platform's own key, which is filed under a word, out of reach.
  if (!isIssuerUrl(issuer)) throw wrong(`"${issuer}" is not an issuer: give an https or http URL`);
  if (subject === '') throw wrong('the subject of a token is not empty');
  if (!Number.isSafeInteger(ttlSeconds)) throw wrong('the life of a token is a whole number of seconds');
  const issuedAt = Math.floor(now / 1000);
  const key = await signingKey(store, issuer);
  const id = store.read((tx) => tx.randomBytes(16));
  return signJwt(key, {
    jti: Buffer.from(id).toString('hex'),
    ...claims,
    iss: issuer,
    sub: subject,
    aud: typeof audience === 'string' ? audience : [...audience],
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + ttlSeconds,
  });
}

/** Returns what the platform's own sign-in would sign for a person. The address is taken in lower case. */
export function developerToken(email: string): ThirdPartyClaims {
  const address = toEmailAddress(email);
  if (address === undefined) throw wrong(`"${email}" is not an e-mail address`);
  const person = people.find((known) => known.email === address);
  return {
    issuer: developerIssuer,
    subject: person?.subject ?? subjectOfEmail(address),
    settled: { email: '--email' },
    claims: { email: address, email_verified: true, name: person?.name ?? address },
  };
}

/** The address in lower case, or undefined when it is none. */
export function toEmailAddress(text: string): string | undefined {
  const address = text.trim().toLowerCase();
  return address.length <= 254 && /^[^\s@"<>\p{Cc}\p{Cf}]+@[^\s@"<>\p{Cc}\p{Cf}]+$/u.test(address)
    ? address
    : undefined;
}

const wrong = (message: string): CliError => new CliError('usage', message);
