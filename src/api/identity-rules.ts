// Builds the rule of an identity for whoever assumes it, from the words people use (protocols 8.1, 8.2 and Q13).
// Guarantees: pure but for loading the RE2 port; a value is taken literally unless it is written as a pattern.

import { isPrivateUrl } from '../loopback.ts';
import { isGlob } from './gitlab-rules.ts';
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

// ---- patterns ----

const special = /[*+?()[\]{}|^$\\]/;

/** Returns whether a value is written as a regular expression: `.`, `@`, `/` and `-` alone do not make it one (Q13). */
export const isPattern = (text: string): boolean => special.test(text);

export const escaped = (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** A pattern that matches the value, or the pattern itself, fit to stand inside a group. */
export const asPattern = (text: string) => (isPattern(text) ? withoutAnchors(text) : escaped(text));

/** Anchors at the ends say what holds anyway, and would never match inside a longer pattern. */
const withoutAnchors = (pattern: string) =>
  pattern.replace(/^\^/, '').replace(/(\\*)\$$/, (all, slashes: string) => (slashes.length % 2 === 0 ? slashes : all));

/** Returns why it is not a regular expression in RE2 syntax, as a clause; undefined when it is one. */
export async function patternProblem(pattern: string): Promise<string | undefined> {
  const { RE2JS } = await import('re2js');
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    return reason.replace(/^error parsing regexp: /, '');
  }
}

/**
 * Characters of a pattern that mean something, with the depth of groups around them; escapes and classes are skipped.
 */
export function* operators(
  pattern: string,
): Generator<{ readonly char: string; readonly at: number; readonly depth: number }> {
  let depth = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    if (char === '\\') {
      at += 1;
    } else if (char === '[') {
      // `]` stands for itself right after `[` or `[^`.
      const from = pattern[at + 1] === '^' ? at + 2 : at + 1;
      const end = classEnd(pattern, pattern[from] === ']' ? from + 1 : from);
      if (end < 0) return;
      at = end;
    } else {
      if (char === ')') depth = Math.max(0, depth - 1);
      yield { char, at, depth };
      if (char === '(') depth += 1;
    }
  }
}

function classEnd(pattern: string, from: number): number {
  for (let at = from; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1;
    else if (pattern[at] === ']') return at;
  }
  return -1;
}

/**
 * Returns what is valid but rarely meant: alternatives outside a group, which divide the whole value, and `/*`, which
 * repeats the slash. Undefined when there is nothing to say; otherwise a sentence that begins with `name`.
 */
export function patternWarning(name: string, pattern: string): string | undefined {
  for (const { char, at, depth } of operators(pattern)) {
    if (char === '|' && depth === 0) {
      return `${name} has "|" outside parentheses, so each side of it must match the whole value; write "(a|b)" if only the words beside it differ`;
    }
    if (char !== '*') continue;
    const before = pattern[at - 1] ?? '';
    if (before === '/') {
      return `${name} is a regular expression, where "/*" repeats the slash; write "/.*" for anything below it`;
    }
    if (isGlob(pattern) && /[\w-]/.test(before)) {
      return `${name} is a regular expression, where "${before}*" repeats the "${before}"; write "${before}.*" for anything that begins so`;
    }
  }
  return undefined;
}

// ---- claim patterns ----

export interface ClaimPatterns {
  readonly patterns: Readonly<Record<string, string>>;
  /** Clauses that complete "`--claim-pattern` …". */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Patterns by claim from `claim:pattern` texts, each split at its first colon. A comma that stands outside brackets and
 * is followed by a name and a colon begins the next pair: the reference's help writes lists that way, and read as one
 * pattern they match nothing (protocols 8.2). That is said in a warning, because a pattern may hold such a comma too.
 */
export function readClaimPatterns(texts: readonly string[]): ClaimPatterns {
  const patterns = new Map<string, string>();
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const text of texts) {
    const pairs = splitPairs(text);
    if (pairs.length > 1) {
      warnings.push(
        `\`--claim-pattern\` "${text}" is read as ${pairs.length} claims; write a comma inside a pattern as "[,]"`,
      );
    }
    for (const pair of pairs) {
      const colon = pair.indexOf(':');
      const claim = pair.slice(0, Math.max(0, colon)).trim();
      if (claim === '') problems.push(`must be CLAIM:PATTERN, not "${pair}"`);
      else if (patterns.has(claim)) problems.push(`has two patterns for the claim "${claim}"`);
      else patterns.set(claim, pair.slice(colon + 1));
    }
  }
  return { patterns: Object.fromEntries(patterns), problems, warnings };
}

function splitPairs(text: string): string[] {
  const pairs: string[] = [];
  const colon = text.indexOf(':');
  // The name is no pattern: brackets in it do not count.
  let start = 0;
  let braces = 0;
  for (const { char, at, depth } of operators(text.slice(colon + 1))) {
    if (char === '{') braces += 1;
    if (char === '}') braces -= 1;
    const comma = colon + 1 + at;
    if (char !== ',' || depth > 0 || braces > 0 || !/^\s*[A-Za-z_][\w.-]*:/.test(text.slice(comma + 1))) continue;
    pairs.push(text.slice(start, comma));
    start = comma + 1;
  }
  return [...pairs, text.slice(start).trimStart()];
}

/** Clauses about a pattern that is to stand inside a longer one and could never match there. */
export function innerAnchorProblem(name: string, pattern: string | undefined): string[] {
  if (pattern === undefined || !isPattern(pattern)) return [];
  for (const { char } of operators(withoutAnchors(pattern))) {
    if (char === '^' || char === '$') return [`${name} matches a part of the subject, so leave out "^" and "$"`];
  }
  return [];
}

// ---- GitLab CI ----
