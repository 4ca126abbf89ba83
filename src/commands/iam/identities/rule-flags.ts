// The flags that say who may assume an identity, shared by create and update. Guarantees: everything that can be told
// from the words alone is checked before anything is sent, and each problem names its flag.

import { resolve } from 'node:path';
import { patternProblem, patternWarning, readClaimPatterns } from '../../../api/claim-patterns.ts';
import { issuerUrlProblem } from '../../../api/identity-rules.ts';
import type { Context } from '../../../cli/context.ts';
import type { Inputs, InputValues } from '../../../cli/define.ts';
import { date, named, string } from '../../../cli/inputs/values.ts';
import { judgeKeySet, type KeySetVerdict } from '../../../trust/key-sets.ts';

export const ruleInputs = {
  identityIssuer: {
    kind: named('URL'),
    help: 'Issuer of the tokens that may assume the identity, exactly as it stands in them.',
    question: 'Which issuer (URL)?',
  },
  identityIssuerPattern: {
    kind: named('REGEX'),
    help: 'The same as a regular expression (RE2), which must match the whole issuer.',
  },
  subject: {
    kind: string,
    help: 'Subject of the tokens that may assume the identity.',
    question: 'Which subject?',
    example: 'repo:acme/app:ref:refs/heads/main',
  },
  subjectPattern: {
    kind: named('REGEX'),
    help: 'The same as a regular expression, which must match the whole subject.',
    question: 'Which subjects (regular expression)?',
  },
  audience: {
    kind: string,
    help: 'Audience of the tokens that may assume the identity. Defaults to the address of the token issuer. This is not the global flag of the same name.',
  },
  audiencePattern: {
    kind: named('REGEX'),
    help: 'The same as a regular expression, which must match the whole audience.',
  },
  claimPattern: {
    kind: named('CLAIM:REGEX'),
    many: true,
    help: 'What another claim must match. Further claims go into further flags; after a comma "name:" begins another one too, so write a comma inside a pattern as "[,]".',
  },
  issuerKeys: {
    kind: named('JWKS'),
    help: 'Public keys of an issuer that cannot be reached, as a JSON Web Key Set or the name of a file that holds one.',
    question: 'Which keys (JSON Web Key Set, or the file that holds it)?',
  },
  expiration: {
    kind: date,
    help: 'When an identity with issuer keys ends: a date or an RFC 3339 time at most 30 days away, which is also what it is when left out.',
  },
} as const satisfies Inputs;

export type RuleFlags = Partial<InputValues<typeof ruleInputs>>;

/** Texts of the flags, ready to go into a message. Missing members were not given. */
export interface Rule {
  readonly issuer?: string;
  readonly issuerPattern?: string;
  readonly subject?: string;
  readonly subjectPattern?: string;
  readonly audience?: string;
  readonly audiencePattern?: string;
  readonly claimPatterns?: Readonly<Record<string, string>>;
  readonly issuerKeys?: string;
  /** RFC 3339. */
  readonly expiration?: string;
}

export interface CheckedRule {
  readonly rule: Rule;
  /** Sentences, each naming its flag. The rule is only good when there are none. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const day = 24 * 60 * 60 * 1000;
const maxLifetimeMs = 30 * day;

/** `mayClear`: an empty audience or claim pattern takes away what an identity has. */
export async function checkRuleFlags(flags: RuleFlags, context: Context, mayClear = false): Promise<CheckedRule> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const rule: { -readonly [K in keyof Rule]: Rule[K] } = {};

  for (const [flag, text, key, isRegex] of [
    ['--identity-issuer', flags.identityIssuer, 'issuer', false],
    ['--identity-issuer-pattern', flags.identityIssuerPattern, 'issuerPattern', true],
    ['--subject', flags.subject, 'subject', false],
    ['--subject-pattern', flags.subjectPattern, 'subjectPattern', true],
    ['--audience', flags.audience, 'audience', false],
    ['--audience-pattern', flags.audiencePattern, 'audiencePattern', true],
  ] as const) {
    if (text === undefined) continue;
    rule[key] = text;
    if (text === '') {
      if (!(mayClear && key.startsWith('audience'))) problems.push(`\`${flag}\` must not be empty`);
    } else if (isRegex) {
      await checkPattern(`\`${flag}\``, text, problems, warnings);
    }
  }

  if (flags.claimPattern !== undefined) {
    const read = readClaimPatterns(flags.claimPattern);
    problems.push(...read.problems.map((problem) => `\`--claim-pattern\` ${problem}`));
    warnings.push(...read.warnings);
    for (const [claim, pattern] of Object.entries(read.patterns)) {
      const name = `\`--claim-pattern\` of "${claim}"`;
      if (pattern !== '') await checkPattern(name, pattern, problems, warnings);
      else if (!mayClear) problems.push(`${name} must not be empty`);
    }
    rule.claimPatterns = read.patterns;
  }

  if (flags.issuerKeys !== undefined) {
    const keys = await readKeySet(flags.issuerKeys, context);
    if (keys.problem !== undefined) problems.push(`\`--issuer-keys\` ${keys.problem}`);
    if (keys.warning !== undefined) warnings.push(`\`--issuer-keys\` ${keys.warning}`);
    rule.issuerKeys = keys.text;
  }

  if (flags.expiration !== undefined) {
    const now = context.host.now();
    if (flags.expiration <= now) problems.push('`--expiration` must be in the future');
    if (flags.expiration > now + maxLifetimeMs) problems.push('`--expiration` must be at most 30 days away');
    // Without a fraction of a second when there is none: as the platform writes it.
    rule.expiration = new Date(flags.expiration).toISOString().replace('.000Z', 'Z');
  }
  return { rule, problems, warnings };
}

export async function checkPattern(
  name: string,
  pattern: string,
  problems: string[],
  warnings: string[],
): Promise<void> {
  const problem = await patternProblem(pattern);
  if (problem !== undefined) {
    problems.push(`${name} "${pattern}" is not a valid regular expression: ${problem}`);
    return;
  }
  const warning = patternWarning(name, pattern);
  if (warning !== undefined) warnings.push(warning);
}

/** Tokens of a literal issuer are checked with keys fetched from it. */
export function issuerProblem(name: string, issuer: string | undefined): string[] {
  const problem = issuer === undefined || issuer === '' ? undefined : issuerUrlProblem(issuer);
  return problem === undefined ? [] : [`${name} ${problem}, not "${issuer}"`];
}

/**
 * A key set given as text or as the name of a file. Private keys are refused here, so that they never leave the
 * machine; anything else is sent, since the platform takes it.
 */
async function readKeySet(given: string, context: Context): Promise<KeySetVerdict & { readonly text: string }> {
  const isText = given.trimStart().startsWith('{');
  const file = isText ? undefined : await readFileText(given, context);
  const text = (file ?? given).trim();
  const { problem, warning } = judgeKeySet(text);
  if (problem !== undefined) return { text, problem: file === undefined ? problem : `${problem}: ${given}` };
  if (warning === undefined) return { text };
  return { text, warning: isText || file !== undefined ? warning : `names no file and ${warning}` };
}

/** Undefined when there is no such file. Loaded late: help has no use for files. */
export async function readFileText(path: string, context: Context): Promise<string | undefined> {
  const { readTextIfExists } = await import('../../../files.ts');
  return readTextIfExists(resolve(context.host.cwd, path));
}
