import type {
  IamIdentity,
  IamIdentityAWSIdentity,
  IamIdentityClaimMatch,
  IamIdentityStaticKeys,
} from '../../api/schema/types/iam.gen.ts';
import { checkAwsAccount, checkIssuerUrl, checkPattern } from '../api/field-rules.ts';
import { toWireTime } from '../api/wire-time.ts';
import { invalidArgument } from '../core/failures.ts';
import type { Relationship } from './stored-identity.ts';

const day = 24 * 60 * 60 * 1000;
const defaultStaticLife = 30 * day;
export const maxStaticLifetimeMs = 365 * day;
/** A client that asks for exactly the maximum computes it on its own clock. */
const clockSkew = 5 * 60 * 1000;

/**
 * Returns how the identity is proved: exactly one way, with fields that can be satisfied (semantics 2, protocols
 * 3.4). `now` in milliseconds; `before` is what the identity has so far, whose expiration may stay even when it has
 * passed.
 */
export function checkRelationship(identity: IamIdentity, now: number, before?: Relationship): Relationship {
  const given = [identity.claimMatch, identity.static, identity.servicePrincipal, identity.awsIdentity];
  if (given.filter((kind) => kind !== undefined).length !== 1) {
    throw invalidArgument('identity needs exactly one of claim_match, static, service_principal, aws_identity');
  }
  if (identity.claimMatch !== undefined) {
    return { kind: 'claimMatch', claimMatch: checkClaimMatch(identity.claimMatch) };
  }
  if (identity.static !== undefined) {
    const kept = before?.kind === 'static' ? before.static.expiration : undefined;
    return { kind: 'static', static: checkStaticKeys(identity.static, now, kept) };
  }
  if (identity.awsIdentity !== undefined) {
    return { kind: 'awsIdentity', awsIdentity: checkAwsIdentity(identity.awsIdentity) };
  }
  const { servicePrincipal } = identity;
  // Enums are open on the wire, so a number this version has no name for arrives as a number.
  if (typeof servicePrincipal !== 'string' || servicePrincipal === 'UNKNOWN') {
    throw invalidArgument('service_principal is an unknown service');
  }
  return { kind: 'servicePrincipal', servicePrincipal };
}

function checkClaimMatch(match: IamIdentityClaimMatch): IamIdentityClaimMatch {
  const issuer = literalOrPattern('claim_match.issuer', match.issuer, match.issuerPattern);
  const subject = literalOrPattern('claim_match.subject', match.subject, match.subjectPattern);
  const hasAudience = isSet(match.audience) || isSet(match.audiencePattern);
  const audience = hasAudience
    ? literalOrPattern('claim_match.audience', match.audience, match.audiencePattern)
    : undefined;
  if (issuer.literal !== undefined) checkIssuerUrl('claim_match.issuer', issuer.literal);
  for (const [claim, pattern] of Object.entries(match.claimPatterns ?? {})) {
    checkPattern(`claim_match.claim_patterns[${JSON.stringify(claim)}]`, pattern);
  }
  return {
    ...(issuer.literal === undefined ? {} : { issuer: issuer.literal }),
    ...(issuer.pattern === undefined ? {} : { issuerPattern: issuer.pattern }),
    ...(subject.literal === undefined ? {} : { subject: subject.literal }),
    ...(subject.pattern === undefined ? {} : { subjectPattern: subject.pattern }),
    ...(audience?.literal === undefined ? {} : { audience: audience.literal }),
    ...(audience?.pattern === undefined ? {} : { audiencePattern: audience.pattern }),
    ...(isEmpty(match.claims) ? {} : { claims: match.claims }),
    ...(isEmpty(match.claimPatterns) ? {} : { claimPatterns: match.claimPatterns }),
  };
}

function checkStaticKeys(keys: IamIdentityStaticKeys, now: number, kept: string | undefined): IamIdentityStaticKeys {
  if (!isSet(keys.issuer)) throw invalidArgument('static.issuer is required');
  if (!isSet(keys.subject)) throw invalidArgument('static.subject is required');
  // Any text, as production takes it: what is no key set verifies no token (sts.ts).
  if (!isSet(keys.issuerKeys)) throw invalidArgument('static.issuer_keys is required');
  const audiences = keys.audiences ?? [];
  if (audiences.length > 1) throw invalidArgument('static.audiences holds at most one audience');
  return {
    issuer: keys.issuer,
    subject: keys.subject,
    issuerKeys: keys.issuerKeys,
    expiration: checkExpiration(keys.expiration, now, kept),
    ...(audiences.length === 0 ? {} : { audiences }),
  };
}

/** Thirty days unless said otherwise, a year at most: pull tokens live that long (protocols 3.4). */
function checkExpiration(expiration: string | undefined, now: number, kept: string | undefined): string {
  if (expiration === undefined) return toWireTime(now + defaultStaticLife);
  const end = Date.parse(expiration);
  if (kept !== undefined && end === Date.parse(kept)) return kept;
  if (Number.isNaN(end)) throw invalidArgument('static.expiration is not a time');
  if (end <= now) throw invalidArgument('static.expiration is in the past');
  if (end > now + maxStaticLifetimeMs + clockSkew)
    throw invalidArgument('static.expiration is more than 365 days away');
  return toWireTime(end);
}

function checkAwsIdentity(aws: IamIdentityAWSIdentity): IamIdentityAWSIdentity {
  const awsAccount = checkAwsAccount(aws.awsAccount);
  const arn = literalOrPattern('aws_identity.arn', aws.arn, aws.arnPattern);
  const user = literalOrPattern('aws_identity.user_id', aws.userId, aws.userIdPattern);
  return {
    awsAccount,
    ...(arn.literal === undefined ? {} : { arn: arn.literal }),
    ...(arn.pattern === undefined ? {} : { arnPattern: arn.pattern }),
    ...(user.literal === undefined ? {} : { userId: user.literal }),
    ...(user.pattern === undefined ? {} : { userIdPattern: user.pattern }),
  };
}

function literalOrPattern(
  field: string,
  literal: string | undefined,
  pattern: string | undefined,
): { literal?: string; pattern?: string } {
  if (isSet(literal) && isSet(pattern)) throw invalidArgument(`${field} and ${field}_pattern exclude each other`);
  if (isSet(pattern)) return { pattern: checkPattern(`${field}_pattern`, pattern) };
  if (isSet(literal)) return { literal };
  throw invalidArgument(`${field} or ${field}_pattern is required`);
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function isEmpty(map: Readonly<Record<string, string>> | undefined): boolean {
  return map === undefined || Object.keys(map).length === 0;
}
