// Decides whether an identity admits a token, row by row, and the change that would admit it. Guarantees: pure; what
// the command line and the console say of a token is the same; the token itself is in no row.

import { issuerUrlProblem, typeOf } from '../api/identity-rules.ts';
import type { IamIdentity, IamIdentityClaimMatch } from '../api/schema/types/iam.gen.ts';
import { quote } from '../quote.ts';
import { type AdmittingChange, admittingChange, alsoAdmitted, noLongerAdmitted } from './admitting-change.ts';
import { type Comparison, compareClaims, staticAsClaims, type TokenClaims } from './claim-match.ts';
import type { DecodedToken } from './jwt.ts';

/** One row: what the identity expects, what the token says, and whether that fits. */
export interface Row {
  /** `issuer`, `subject`, `audience`, `claim environment`, `expires`, `not before`, `signature`, `identity`. */
  readonly what: string;
  /** One of these values is expected, or a match of the pattern; neither where the rule has nothing to say of it. */
  readonly expected?: readonly string[];
  readonly pattern?: string;
  /** Value in the token. */
  readonly found?: readonly string[];
  /** Text in place of that value. */
  readonly note?: string;
  /** `unknown`: what is presented is no real token and has nothing to say of it. `unchecked`: nobody looked. */
  readonly result: 'matched' | 'differs' | 'unknown' | 'unchecked';
}

export interface RuleTest {
  readonly rows: readonly Row[];
  /** The same as comparisons, without what is made up. */
  readonly compared: readonly Comparison[];
  readonly rule: IamIdentityClaimMatch;
}

export interface RuleTestOptions {
  /** URL of the platform's issuer, without a slash at the end; its audiences count where the rule has none. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Claims that are known where there is no real token; every other one is made up. */
  readonly known?: ReadonlySet<string> | undefined;
  /** Seconds since the epoch, as the rows show it. */
  readonly timeOf: (seconds: number) => string;
}

/** Returns why no token can be the answer, as a clause about the identity; undefined where one can. */
export function noTokenReason(tested: IamIdentity): string | undefined {
  if (tested.claimMatch !== undefined || tested.static !== undefined) return undefined;
  return typeOf(tested) === 'aws'
    ? 'is for AWS: it is assumed with a signed request that AWS itself answers, and with no token'
    : 'is for a service of the platform, and cannot be assumed with a token';
}

/** Compares the rule of an identity, and its end, with what a token says. */
export function testRule(tested: IamIdentity, claims: TokenClaims, options: RuleTestOptions): RuleTest {
  const { issuer, now, known, timeOf } = options;
  const defaults = [issuer, new URL(issuer).host];
  const keys = tested.static;
  const { rule, audiences } = keys
    ? staticAsClaims(keys, defaults)
    : { rule: tested.claimMatch ?? {}, audiences: defaults };
  const compared = [...compareClaims(rule, claims, audiences)];
  const isMade = (name: string) => known !== undefined && !known.has(name);
  const rows = compared.map((one) => rowOf(one, isMade(one.name)));
  const end = Date.parse(keys?.expiration ?? '');
  if (!Number.isNaN(end)) {
    const result = end > now ? 'matched' : 'differs';
    rows.push({ what: 'identity', note: `ends ${timeOf(end / 1000)}`, result });
  }
  return { rows, compared: compared.filter(({ name }) => !isMade(name)), rule };
}

function rowOf({ what, name, expected, found, difference }: Comparison, isMade: boolean): Row {
  return {
    what: what === 'claim' ? `claim ${name}` : what,
    ...('pattern' in expected ? { pattern: expected.pattern } : { expected: expected.values }),
    ...(isMade ? { note: 'is made up here' } : found.problem ? { note: found.problem } : { found: found.texts }),
    result: isMade ? 'unknown' : difference === undefined ? 'matched' : 'differs',
  };
}

/** Its times against the clock; `skew`: seconds by which clocks of other machines may be off (protocols 3.4). */
export function timeRows(
  { expiresAt, claims }: DecodedToken,
  { now, skew, timeOf }: Pick<RuleTestOptions, 'now' | 'timeOf'> & { readonly skew: number },
): Row[] {
  const isOver = expiresAt + skew <= now / 1000;
  const rows: Row[] = [{ what: 'expires', note: timeOf(expiresAt), result: isOver ? 'differs' : 'matched' }];
  const from = claims['nbf'];
  if (from !== undefined) {
    const isTime = typeof from === 'number';
    rows.push({
      what: 'not before',
      note: isTime ? timeOf(from) : 'no time',
      result: isTime && from - skew <= now / 1000 ? 'matched' : 'differs',
    });
  }
  return rows;
}

/** Returns what a rule of the rows says as a whole; `rule-only` where the signature was not looked at. */
export function answerOf(rows: readonly Row[]): 'yes' | 'rule-only' | 'no' | 'unknown' {
  const results = new Set(rows.map(({ result }) => result));
  if (results.has('differs')) return 'no';
  if (results.has('unknown')) return 'unknown';
  const signature = rows.find(({ what }) => what === 'signature');
  return signature?.result === 'matched' ? 'yes' : 'rule-only';
}

export interface RuleChange {
  /** Flags of `chainctl iam identities update`, with their values. */
  readonly flags: readonly (readonly [flag: string, value: string])[];
  readonly alsoAdmits: readonly string[];
  readonly noLongerAdmits: readonly string[];
}

/** Returns the change of the rule that would admit the token. Times and signatures are no matter of the rule. */
export function changeFor({ rule, compared }: RuleTest, claims: TokenClaims): RuleChange | undefined {
  const change = admittingChange(compared);
  if (change === undefined || !canBeTyped(change)) return undefined;
  return {
    flags: flagsOf(change),
    alsoAdmits: alsoAdmitted(change, rule, claims),
    noLongerAdmits: noLongerAdmitted(change, rule),
  };
}

/** Neither an issuer whose keys nobody can fetch, nor text that a terminal would show as something else. */
function canBeTyped(change: AdmittingChange): boolean {
  if (change.issuer !== undefined && issuerUrlProblem(change.issuer) !== undefined) return false;
  return flagsOf(change).every(([, value]) => quote(value) === `"${value.replace(/["\\]/g, '\\$&')}"`);
}

const flagsOf = ({ issuer, subject, audience, claimPatterns = {} }: AdmittingChange): (readonly [string, string])[] => [
  ...(issuer === undefined ? [] : [['--identity-issuer', issuer] as const]),
  ...(subject === undefined ? [] : [['--subject', subject] as const]),
  ...(audience === undefined ? [] : [['--audience', audience] as const]),
  ...Object.entries(claimPatterns).map(([claim, pattern]) => ['--claim-pattern', `${claim}:${pattern}`] as const),
];
