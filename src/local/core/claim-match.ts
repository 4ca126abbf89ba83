// Whether a verified token satisfies an identity's rule (protocols 3.4). Guarantees: patterns are RE2 and match whole
// values, no pattern and no value makes a match take more than about half a second, and what differs is said.

import { RE2JS } from 're2js';
import type {
  IamIdentityAWSIdentity,
  IamIdentityClaimMatch,
  IamIdentityStaticKeys,
} from '../../api/schema/types/iam.gen.ts';
import { quote } from './quote.ts';

/** What a verified third-party token says. */
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

const longestPattern = 1024;
const longestValue = 4096;
// RE2 is linear in pattern size times value length, but counted repetition makes a short pattern a huge program:
// `(.{0,1000})` ninety times needs 86 s for 4 kB. One step takes about 0.12 µs, so four million are half a second.
const largestProgram = 10_000;
const mostSteps = 4_000_000;
const tooLarge = 'its repetitions are too large';

/**
 * Compiles a pattern as identities use it. Throws PatternError when it is not RE2 syntax, longer than 1024 characters,
 * or its repetitions unfold to more than an identity rule may cost.
 */
export function compilePattern(pattern: string): RE2JS {
  if (pattern.length > longestPattern) throw new PatternError(`it is longer than ${longestPattern} characters`);
  // What is too large on the face of it is not unfolded first, which takes a third of a second.
  const counts = Array.from(pattern.matchAll(/\{(?:\d+,)?(\d+)\}/g), ([, most]) => Number(most));
  if (counts.reduce((sum, most) => sum + most, 0) > largestProgram) throw new PatternError(tooLarge);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw new PatternError(reason.replace(/^error parsing regexp: /, ''));
  }
  if (compiled.programSize() > largestProgram) throw new PatternError(tooLarge);
  return compiled;
}

/** Whether the rule names this issuer, literally or by pattern. Needs no verified token. */
export function acceptsIssuer(rule: IamIdentityClaimMatch, issuer: string): boolean {
  return new Matcher(false).matches('issuer', issuer, rule.issuer, rule.issuerPattern) === undefined;
}

/**
 * Undefined when the rule accepts the token, else a sentence that names each claim that differs. What the identity expects
 * of it is added where `mayKnow`: issuers such as GitHub sign for anybody, and a guessed id must not tell a stranger the
 * repositories and branches of others. `defaultAudiences` are accepted when the rule has none of its own.
 */
export function matchClaims(
  rule: IamIdentityClaimMatch,
  token: TokenClaims,
  defaultAudiences: readonly string[],
  mayKnow: boolean,
): string | undefined {
  const matcher = new Matcher(mayKnow);
  // The expected issuer is not printed: the caller may hold nothing but a guessed id.
  if (matcher.matches('issuer', token.issuer, rule.issuer, rule.issuerPattern) !== undefined) {
    return `token has invalid issuer: ${quote(token.issuer)} is not the one the identity expects`;
  }
  const problems: string[] = [];
  const subject = matcher.matches('subject', token.subject, rule.subject, rule.subjectPattern);
  if (subject !== undefined) problems.push(matcher.say(`token has invalid subject: ${quote(token.subject)}`, subject));
  const audience = matchAudience(matcher, rule, token.audiences, defaultAudiences);
  if (audience !== undefined) problems.push(audience);
  for (const [name, expected] of Object.entries(rule.claims ?? {})) {
    const problem = matchCustom(matcher, name, token.all, expected, undefined);
    if (problem !== undefined) problems.push(problem);
  }
  for (const [name, pattern] of Object.entries(rule.claimPatterns ?? {})) {
    const problem = matchCustom(matcher, name, token.all, undefined, pattern);
    if (problem !== undefined) problems.push(problem);
  }
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** The same for an identity with static keys, which who has them may know; that they verify the token is the caller's to check. */
export function matchStatic(
  rule: IamIdentityStaticKeys,
  token: TokenClaims,
  defaultAudiences: readonly string[],
): string | undefined {
  const allowed = rule.audiences !== undefined && rule.audiences.length > 0 ? rule.audiences : defaultAudiences;
  return matchClaims({ issuer: rule.issuer ?? '', subject: rule.subject ?? '' }, token, allowed, true);
}

/** The same for an AWS identity, given what AWS says of the caller: anybody with an account there. */
export function matchAws(rule: IamIdentityAWSIdentity, caller: AwsCaller): string | undefined {
  const matcher = new Matcher(false);
  const problems = [
    ['AWS account', caller.account, matcher.matches('account', caller.account, rule.awsAccount ?? '', undefined)],
    ['AWS ARN', caller.arn, matcher.matches('ARN', caller.arn, rule.arn, rule.arnPattern)],
    ['AWS user id', caller.userId, matcher.matches('user id', caller.userId, rule.userId, rule.userIdPattern)],
  ] as const;
  const differing = problems.filter(([, , problem]) => problem !== undefined);
  if (differing.length === 0) return undefined;
  return differing
    .map(([what, value, problem]) => matcher.say(`caller has invalid ${what}: ${quote(value)}`, problem ?? ''))
    .join('; ');
}

/** Matches the values of one rule, all of them within one budget of steps. */
class Matcher {
  #steps = mostSteps;
  readonly #mayKnow: boolean;

  constructor(mayKnow: boolean) {
    this.#mayKnow = mayKnow;
  }

  /** What is wrong, and what is expected instead where that may be told. */
  say(wrong: string, expected: string, separator = ': '): string {
    return this.#mayKnow ? `${wrong}${separator}${expected}` : wrong;
  }

  /** Undefined when `value` fits, else what the identity expects. A rule with neither form accepts nothing. */
  matches(what: string, value: string, literal: string | undefined, pattern: string | undefined): string | undefined {
    if (pattern === undefined) {
      if (literal === undefined) return `identity has no rule for the ${what}`;
      return value === literal ? undefined : `identity expects ${quote(literal)}`;
    }
    const expected = `identity expects a match of ${quote(pattern)}`;
    if (value.length > longestValue) return `${expected} in at most ${longestValue} characters`;
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
const mostCompiled = 200;

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
    if (compiledPatterns.size >= mostCompiled && oldest !== undefined) compiledPatterns.delete(oldest);
    compiledPatterns.set(pattern, known);
  }
  if (known instanceof PatternError) throw known;
  return known;
}

function matchAudience(
  matcher: Matcher,
  rule: IamIdentityClaimMatch,
  audiences: readonly string[],
  defaults: readonly string[],
): string | undefined {
  const shown = audiences.length === 0 ? 'none' : audiences.slice(0, 5).map(quote).join(', ');
  const problem = `token has invalid audience: ${shown}`;
  if (rule.audience === undefined && rule.audiencePattern === undefined) {
    if (audiences.some((audience) => defaults.includes(audience))) return undefined;
    return `${problem}: identity expects ${defaults.map(quote).join(' or ')}`;
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
  return matcher.say(problem, expected);
}

/** Absent claims deny, booleans compare as text, everything else that is not text denies (protocols 3.4). */
function matchCustom(
  matcher: Matcher,
  name: string,
  claims: Readonly<Record<string, unknown>>,
  literal: string | undefined,
  pattern: string | undefined,
): string | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  const text = typeof value === 'boolean' ? String(value) : value;
  const wanted = literal === undefined ? `a match of ${quote(pattern ?? '')}` : quote(literal);
  const expected = `identity expects ${wanted}`;
  if (text === undefined) return matcher.say(`invalid ${quote(name)}: the token has no such claim`, expected, ', ');
  if (typeof text !== 'string') return matcher.say(`invalid ${quote(name)}: the claim is not text`, expected, ', ');
  const problem = matcher.matches(`claim ${quote(name)}`, text, literal, pattern);
  return problem === undefined ? undefined : matcher.say(`invalid ${quote(name)}: ${quote(text)}`, problem);
}
