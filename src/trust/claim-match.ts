// Decides whether a verified token satisfies an identity's rule (protocols 3.4). Guarantees: patterns are RE2 and match
// whole values, no pattern and no value makes a match take more than about half a second, and what differs is said.

import { RE2JS } from 're2js';
import type {
  IamIdentityAWSIdentity,
  IamIdentityClaimMatch,
  IamIdentityStaticKeys,
} from '../api/schema/types/iam.gen.ts';
import { quote } from '../quote.ts';

/** Claims of a verified third-party token. */
export interface TokenClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** All claims, the three above included. */
  readonly all: Readonly<Record<string, unknown>>;
}

/** The answer of AWS to a signed GetCallerIdentity request. */
export interface AwsCaller {
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
}

/** A pattern that cannot be used. The message is one clause, fit to follow "is not usable: ". */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const maxPatternLength = 1024;
const maxValueLength = 4096;
// RE2 is linear in pattern size times value length, but counted repetition makes a short pattern a huge program:
// `(.{0,1000})` ninety times needs 86 s for 4 kB. One step takes about 0.12 µs, so four million are half a second.
const maxProgramSize = 10_000;
const maxSteps = 4_000_000;
const tooLarge = 'its repetitions are too large';

/**
 * Compiles a pattern as identities use it. Throws PatternError when it is not RE2 syntax, longer than 1024 characters,
 * or its repetitions unfold to more than an identity rule may cost.
 */
export function compilePattern(pattern: string): RE2JS {
  if (pattern.length > maxPatternLength) throw new PatternError(`it is longer than ${maxPatternLength} characters`);
  // A text that is plainly too large is not unfolded first, which takes a third of a second.
  const counts = Array.from(pattern.matchAll(/\{(?:\d+,)?(\d+)\}/g), ([, most]) => Number(most));
  if (counts.reduce((sum, most) => sum + most, 0) > maxProgramSize) throw new PatternError(tooLarge);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw new PatternError(reason.replace(/^error parsing regexp: /, ''));
  }
  if (compiled.programSize() > maxProgramSize) throw new PatternError(tooLarge);
  return compiled;
}

/** Returns whether the rule names this issuer, literally or by pattern. Needs no verified token. */
export function acceptsIssuer(rule: IamIdentityClaimMatch, issuer: string): boolean {
  return new Matcher().matches('issuer', issuer, rule.issuer, rule.issuerPattern) === undefined;
}

/**
 * Undefined when the rule accepts the token, else a sentence that names each claim that differs. What the identity
 * expects of it is added where `mayKnow`: issuers such as GitHub sign for anybody, and a guessed id must not tell a
 * stranger the repositories and branches of others. `defaultAudiences` are accepted when the rule has none of its own.
 */
export function matchClaims(
  rule: IamIdentityClaimMatch,
  token: TokenClaims,
  defaultAudiences: readonly string[],
  mayKnow: boolean,
): string | undefined {
  const problems: string[] = [];
  for (const { what, name, found, difference } of compareClaims(rule, token, defaultAudiences)) {
    if (difference === undefined) continue;
    // The expected issuer is not printed: the caller may hold nothing but a guessed id.
    if (what === 'issuer') {
      return `token has invalid issuer: ${quote(token.issuer)} is not the one the identity expects`;
    }
    if (what === 'claim') {
      const wrong = `invalid ${quote(name)}: ${found.problem ?? found.texts.map(quote).join(', ')}`;
      problems.push(mayKnow ? `${wrong}${found.problem === undefined ? ': ' : ', '}${difference}` : wrong);
      continue;
    }
    const shown = found.texts.length === 0 ? 'none' : found.texts.slice(0, 5).map(quote).join(', ');
    // The audiences that a platform accepts by itself are no secret of the identity.
    const isTold = mayKnow || (what === 'audience' && !hasAudience(rule));
    problems.push(`token has invalid ${what}: ${shown}${isTold ? `: ${difference}` : ''}`);
  }
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** One thing that a rule expects, and what a token says of it. */
export interface Comparison {
  readonly what: 'issuer' | 'subject' | 'audience' | 'claim';
  /** As tokens spell it: `iss`, `sub`, `aud`, or the name of the claim. */
  readonly name: string;
  /** Expected value: one of these, or a match of the pattern; neither where the identity has no rule. */
  readonly expected: { readonly values: readonly string[] } | { readonly pattern: string };
  /** Value in the token; `problem` where it cannot be compared. */
  readonly found: { readonly texts: readonly string[]; readonly problem?: string };
  /** Undefined where it fits, else a clause that says what the identity expects. */
  readonly difference: string | undefined;
}

/** Compares one claim after the other, the issuer first; whoever reads no further has no further pattern matched. */
export function* compareClaims(
  rule: IamIdentityClaimMatch,
  token: TokenClaims,
  defaultAudiences: readonly string[],
): Generator<Comparison> {
  const matcher = new Matcher();
  const { issuer, issuerPattern, subject, subjectPattern, claims, claimPatterns } = rule;
  yield {
    what: 'issuer',
    name: 'iss',
    expected: expectation(issuer, issuerPattern),
    found: { texts: [token.issuer] },
    difference: matcher.matches('issuer', token.issuer, issuer, issuerPattern),
  };
  yield {
    what: 'subject',
    name: 'sub',
    expected: expectation(subject, subjectPattern),
    found: { texts: [token.subject] },
    difference: matcher.matches('subject', token.subject, subject, subjectPattern),
  };
  yield {
    what: 'audience',
    name: 'aud',
    expected: hasAudience(rule)
      ? expectation(rule.audience, rule.audiencePattern)
      : { values: [...new Set(defaultAudiences)] },
    found: { texts: token.audiences },
    difference: differentAudience(matcher, rule, token.audiences, defaultAudiences),
  };
  for (const [name, literal] of Object.entries(claims ?? {})) {
    yield compareCustom(matcher, name, token.all, literal, undefined);
  }
  for (const [name, pattern] of Object.entries(claimPatterns ?? {})) {
    yield compareCustom(matcher, name, token.all, undefined, pattern);
  }
}

const hasAudience = ({ audience, audiencePattern }: IamIdentityClaimMatch): boolean =>
  audience !== undefined || audiencePattern !== undefined;

const expectation = (literal: string | undefined, pattern: string | undefined): Comparison['expected'] =>
  pattern !== undefined ? { pattern } : { values: literal === undefined ? [] : [literal] };

/**
 * The same for an identity with static keys, which who has them may know; that they verify the token is the caller's to
 * check.
 */
export function matchStatic(
  rule: IamIdentityStaticKeys,
  token: TokenClaims,
  defaultAudiences: readonly string[],
): string | undefined {
  const asClaims = staticAsClaims(rule, defaultAudiences);
  return matchClaims(asClaims.rule, token, asClaims.audiences, true);
}

/** The same expectations in the words of the other kind of rule, and the audiences that are accepted. */
export function staticAsClaims(
  { issuer = '', subject = '', audiences = [] }: IamIdentityStaticKeys,
  defaultAudiences: readonly string[],
): { readonly rule: IamIdentityClaimMatch; readonly audiences: readonly string[] } {
  return { rule: { issuer, subject }, audiences: audiences.length > 0 ? audiences : defaultAudiences };
}

/** The same for an AWS identity, given what AWS says of the caller: anybody with an account there. */
export function matchAws(rule: IamIdentityAWSIdentity, caller: AwsCaller): string | undefined {
  const matcher = new Matcher();
  const problems = [
    ['AWS account', caller.account, matcher.matches('account', caller.account, rule.awsAccount ?? '', undefined)],
    ['AWS ARN', caller.arn, matcher.matches('ARN', caller.arn, rule.arn, rule.arnPattern)],
    ['AWS user id', caller.userId, matcher.matches('user id', caller.userId, rule.userId, rule.userIdPattern)],
  ] as const;
  const differing = problems.filter(([, , problem]) => problem !== undefined);
  if (differing.length === 0) return undefined;
  return differing.map(([what, value]) => `caller has invalid ${what}: ${quote(value)}`).join('; ');
}

/** Matches the values of one rule, all of them within one budget of steps. */
class Matcher {
  #steps = maxSteps;

  /** Undefined when `value` fits, else what the identity expects. A rule with neither form accepts nothing. */
  matches(what: string, value: string, literal: string | undefined, pattern: string | undefined): string | undefined {
    if (pattern === undefined) {
      if (literal === undefined) return `identity has no rule for the ${what}`;
      return value === literal ? undefined : `identity expects ${quote(literal)}`;
    }
    const expected = `identity expects a match of ${quote(pattern)}`;
    if (value.length > maxValueLength) return `${expected} in at most ${maxValueLength} characters`;
    let compiled: RE2JS;
    try {
      compiled = compiledOnce(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      return `${expected}, which is not usable: ${error.message}`;
    }
    this.#steps -= compiled.programSize() * (value.length + 1);
    if (this.#steps < 0) return `${expected}, which is too costly for a value of this length`;
    return compiled.matches(value) ? undefined : expected;
  }
}

// Compiling a hostile pattern takes a third of a second, so failures are kept too. Oldest out first.
const compiledPatterns = new Map<string, RE2JS | PatternError>();
const maxCompiled = 200;

function compiledOnce(pattern: string): RE2JS {
  let known = compiledPatterns.get(pattern);
  if (known === undefined) {
    try {
      known = compilePattern(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      known = error;
    }
    const [oldest] = compiledPatterns.keys();
    if (compiledPatterns.size >= maxCompiled && oldest !== undefined) compiledPatterns.delete(oldest);
    compiledPatterns.set(pattern, known);
  }
  if (known instanceof PatternError) throw known;
  return known;
}

function differentAudience(
  matcher: Matcher,
  rule: IamIdentityClaimMatch,
  audiences: readonly string[],
  defaults: readonly string[],
): string | undefined {
  if (!hasAudience(rule)) {
    if (audiences.some((audience) => defaults.includes(audience))) return undefined;
    return `identity expects ${defaults.map(quote).join(' or ')}`;
  }
  let expected = 'identity expects another';
  for (const audience of audiences) {
    const difference = matcher.matches('audience', audience, rule.audience, rule.audiencePattern);
    if (difference === undefined) return undefined;
    expected = difference;
  }
  if (audiences.length === 0) {
    expected = matcher.matches('audience', '', rule.audience, rule.audiencePattern) ?? expected;
  }
  return expected;
}

/** Absent claims deny, booleans compare as text, everything else that is not text denies (protocols 3.4). */
function compareCustom(
  matcher: Matcher,
  name: string,
  claims: Readonly<Record<string, unknown>>,
  literal: string | undefined,
  pattern: string | undefined,
): Comparison {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  const text = typeof value === 'boolean' ? String(value) : value;
  const expected = expectation(literal, pattern);
  const different = (problem: string): Comparison => {
    const wanted = literal === undefined ? `a match of ${quote(pattern ?? '')}` : quote(literal);
    return { what: 'claim', name, expected, found: { texts: [], problem }, difference: `identity expects ${wanted}` };
  };
  if (text === undefined) return different('the token has no such claim');
  if (typeof text !== 'string') return different('the claim is not text');
  const difference = matcher.matches(`claim ${quote(name)}`, text, literal, pattern);
  return { what: 'claim', name, expected, found: { texts: [text] }, difference };
}
