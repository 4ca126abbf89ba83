// What the rule of an identity says about its tokens: kind, issuer, subject, audience, end (protocols 8.1 and 8.2). The rules
// themselves are built by github-rules.ts, gitlab-rules.ts and aws-rules.ts.

import { isPrivateUrl } from '../loopback.ts';
import type { IamIdentity } from './schema/types/iam.gen.ts';

/** Issuer of the keys that `auth pull-token create` makes (protocols 7.3). */
export const pullTokenIssuer = 'https://pulltoken.issuer.chainguard.dev';
export const githubIssuer = 'https://token.actions.githubusercontent.com';
export const gitlabIssuer = 'https://gitlab.com';

/** Names of the services an identity can be for (protocols 3.4), as the API spells them. */
export const servicePrincipals = [
  'COSIGNED',
  'INGESTER',
  'CATALOG_SYNCER',
  'APKO_BUILDER',
  'ENTITLEMENT_SYNCER',
  'TENANT_SCANNER',
  'SEDIMENTOLOGY',
  'SKILLUP',
  'MATERIALIZER',
  'MICROFLOW',
  'GUARDENER',
  'MICROVM',
  'SKILLS',
] as const;

/**
 * Returns what is wrong with an issuer whose keys are fetched from it, as a clause; undefined for a good one. Nobody
 * in between may be able to answer for it, and tokens name it without anything around it (protocols 3.7).
 */
export function issuerUrlProblem(issuer: string): string | undefined {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (url === undefined || !isPrivateUrl(url)) return 'must be an https URL';
  const isPlain = url.username === '' && url.password === '' && !/[?#\s]/.test(issuer) && issuer.length <= 255;
  return isPlain ? undefined : 'must be an https URL of at most 255 characters without user, query or fragment';
}

// ---- what an identity is ----

export const identityTypes = ['aws', 'claim_match', 'pull_token', 'service_principal', 'static'] as const;

export type IdentityType = (typeof identityTypes)[number];

/** Returns how the identity is proved. Undefined for a way that a newer platform added. */
export function typeOf(identity: IamIdentity): IdentityType | undefined {
  if (identity.claimMatch) return 'claim_match';
  if (identity.static) return identity.static.issuer === pullTokenIssuer ? 'pull_token' : 'static';
  if (identity.awsIdentity) return 'aws';
  if (identity.servicePrincipal) return 'service_principal';
  return undefined;
}

/** Returns who vouches for it: an issuer or a pattern of issuers; empty where there is none. */
export function issuerOf({ claimMatch, static: keys }: IamIdentity): string {
  return claimMatch?.issuer || claimMatch?.issuerPattern || keys?.issuer || '';
}

/**
 * Returns whom an identity trusts: a subject or a pattern of subjects, a user or role of AWS, a service; empty when
 * unknown.
 */
export function subjectOf({ claimMatch, static: keys, awsIdentity, servicePrincipal }: IamIdentity): string {
  return (
    claimMatch?.subject ||
    claimMatch?.subjectPattern ||
    keys?.subject ||
    awsIdentity?.arn ||
    awsIdentity?.arnPattern ||
    awsIdentity?.awsAccount ||
    String(servicePrincipal ?? '').replace(/^SERVICE_PRINCIPAL_UNSPECIFIED$/, '')
  );
}

/**
 * The same in the words it was made from, where this program made the pattern: `acme/app` or `acme/app refs/heads/.*`.
 */
export function whoOf(identity: IamIdentity): string {
  const subject = subjectOf(identity);
  const [, repo, ref] =
    /^\^repo:\(\?:(.+?)\):(?:\.\*|ref:\(\?:(.+)\))\$$/.exec(subject) ?? /^repo:([^:]+):ref:(.+)$/.exec(subject) ?? [];
  if (repo === undefined) return subject;
  return ref === undefined ? unescaped(repo) : `${unescaped(repo)} ${unescaped(ref)}`;
}

const unescaped = (pattern: string) => pattern.replace(/\\([./-])/g, '$1');

/** The audience its tokens must be for; empty when any is good. */
export function audienceOf({ claimMatch, static: keys }: IamIdentity): string {
  return claimMatch?.audience || claimMatch?.audiencePattern || (keys?.audiences ?? []).join(', ');
}

/** Returns when it ends, in milliseconds since the epoch; undefined when it does not. */
export function expirationOf(identity: IamIdentity): number | undefined {
  const expiration = identity.static?.expiration;
  if (expiration === undefined) return undefined;
  const end = Date.parse(expiration);
  return Number.isNaN(end) ? undefined : end;
}
