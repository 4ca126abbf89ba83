// Patterns of claims, in the words people use (protocols 8.2 and Q13). Guarantees: pure but for loading the RE2 port; a value is
// taken literally unless it is written as a pattern.

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

/** Whether `*` is its only special character and repeats no dot: then it stands for anything. */
export const isGlob = (text: string) =>
  text.includes('*') && !isPattern(text.replaceAll('*', '')) && !text.includes('.*');
