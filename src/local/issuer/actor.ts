// Reads from verified claims who acts: what tokens carry of a login (protocols 3.6).

import type { AwsCaller, TokenClaims } from '../../trust/claim-match.ts';
import type { UpstreamLogin } from '../iam/registration.ts';
import type { Actor } from '../sessions/session.ts';

export interface VerifiedLogin extends UpstreamLogin {
  /** The `act` that a token of this login carries. */
  readonly actor: Readonly<Record<string, string>>;
}

const profileClaims = ['email', 'email_verified', 'name', 'given_name', 'family_name', 'nickname', 'picture'];

export function toActor(claims: TokenClaims, isUser: boolean): Actor {
  const { issuer, subject, audiences, all } = claims;
  const email = all['email'];
  const profile = Object.fromEntries(
    profileClaims.map((name) => [name, all[name]]).filter(([, value]) => isProfileValue(value)),
  ) as Record<string, unknown>;
  return {
    act: { aud: audiences[0] ?? '', iss: issuer, sub: subject },
    email: typeof email === 'string' && email !== '' ? email : undefined,
    emailVerified: all['email_verified'] === true,
    profile: isUser && Object.keys(profile).length > 0 ? profile : undefined,
  };
}

function isProfileValue(value: unknown): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && value !== '' && value.length <= 1024);
}

export function awsActor(caller: AwsCaller, issuer: string): Actor {
  const act = {
    aud: issuer,
    'aws-acct': caller.account,
    'aws-arn': caller.arn,
    iss: 'https://sts.amazonaws.com',
    sub: caller.userId,
  };
  return { act, email: undefined, emailVerified: false, profile: undefined };
}

export function toVerifiedLogin(claims: TokenClaims): VerifiedLogin {
  const { act, email, emailVerified, profile } = toActor(claims, true);
  const name = profile?.['name'];
  const { issuer, subject } = claims;
  return { issuer, subject, email, emailVerified, ...(typeof name === 'string' ? { name } : {}), actor: act };
}
