// Applies an update to an identity. Guarantees: pure; a literal and its pattern replace each other; whatever the flags
// do not mention stays, because the API replaces an identity as a whole (semantics 5, PUT).

import { typeOf } from '../../../api/identity-rules.ts';
import type { IamIdentity, IamIdentityClaimMatch, IamIdentityStaticKeys } from '../../../api/schema/types/iam.gen.ts';
import type { Rule } from './rule-flags.ts';

export interface Changes extends Rule {
  readonly description?: string;
}

export interface Changed {
  readonly identity: IamIdentity;
  /** Flags that mean nothing for an identity of this kind, as sentences. */
  readonly problems: readonly string[];
}

export function applyChanges(before: IamIdentity, { description, ...rule }: Changes): Changed {
  const identity = description === undefined ? before : { ...before, description };
  const problems = inapplicable(before, rule);
  if (problems.length > 0 || Object.keys(rule).length === 0) return { identity, problems };
  if (before.claimMatch)
    return { identity: { ...identity, claimMatch: changeMatch(before.claimMatch, rule) }, problems };
  if (before.static) return { identity: { ...identity, static: changeKeys(before.static, rule) }, problems };
  return { identity, problems };
}

const flags: Readonly<Record<keyof Rule, string>> = {
  issuer: '--identity-issuer',
  issuerPattern: '--identity-issuer-pattern',
  subject: '--subject',
  subjectPattern: '--subject-pattern',
  audience: '--audience',
  audiencePattern: '--audience-pattern',
  claimPatterns: '--claim-pattern',
  issuerKeys: '--issuer-keys',
  expiration: '--expiration',
};

const ofMatch: readonly (keyof Rule)[] = [
  'issuer',
  'issuerPattern',
  'subject',
  'subjectPattern',
  'audience',
  'audiencePattern',
  'claimPatterns',
];
const ofKeys: readonly (keyof Rule)[] = ['issuer', 'subject', 'audience', 'issuerKeys', 'expiration'];

function inapplicable(identity: IamIdentity, rule: Rule): string[] {
  const allowed = identity.claimMatch ? ofMatch : identity.static ? ofKeys : [];
  return (Object.keys(rule) as (keyof Rule)[])
    .filter((key) => !allowed.includes(key))
    .map(
      (key) => `\`${flags[key]}\` does not apply to "${identity.name}", whose type is ${typeOf(identity) ?? 'unknown'}`,
    );
}

function changeMatch(before: IamIdentityClaimMatch, rule: Rule): IamIdentityClaimMatch {
  const { issuer, issuerPattern, subject, subjectPattern, audience, audiencePattern, claims, claimPatterns, ...rest } =
    before;
  return {
    ...rest,
    ...either({ issuer, issuerPattern }, { issuer: rule.issuer, issuerPattern: rule.issuerPattern }),
    ...either({ subject, subjectPattern }, { subject: rule.subject, subjectPattern: rule.subjectPattern }),
    ...either({ audience, audiencePattern }, { audience: rule.audience, audiencePattern: rule.audiencePattern }),
    ...withoutClaims(claims, rule.claimPatterns),
    // A claim that is not mentioned stays: forgetting one must not open the identity to more tokens.
    claimPatterns: Object.fromEntries(
      Object.entries({ ...claimPatterns, ...rule.claimPatterns }).filter(([, pattern]) => pattern !== ''),
    ),
  };
}

/** A pattern takes the place of a literal value, which would be asked for beside it. */
function withoutClaims(
  claims: IamIdentityClaimMatch['claims'],
  patterns: Rule['claimPatterns'] = {},
): Pick<IamIdentityClaimMatch, 'claims'> {
  if (claims === undefined) return {};
  return { claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !Object.hasOwn(patterns, name))) };
}

function changeKeys(before: IamIdentityStaticKeys, rule: Rule): IamIdentityStaticKeys {
  return {
    ...before,
    ...withoutEmpty({
      issuer: rule.issuer,
      subject: rule.subject,
      issuerKeys: rule.issuerKeys,
      expiration: rule.expiration,
    }),
    ...(rule.audience === undefined ? {} : { audiences: rule.audience === '' ? [] : [rule.audience] }),
  };
}

/**
 * The given members of a oneof in place of all it had; what it had when none is given; none when one is given empty.
 */
function either<K extends string>(
  had: Readonly<Record<K, string | undefined>>,
  given: Readonly<Record<K, string | undefined>>,
): Partial<Record<K, string>> {
  const isGiven = Object.values(given).some((value) => value !== undefined);
  return withoutEmpty(isGiven ? given : had);
}

function withoutEmpty<K extends string>(members: Readonly<Record<K, string | undefined>>): Partial<Record<K, string>> {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(kept) as Partial<Record<K, string>>;
}

/** `name: before → after` for every member that differs, by dotted name. */
export function differences(before: IamIdentity, after: IamIdentity): string[] {
  const old = flat(before);
  const fresh = flat(after);
  return [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((name) => {
    const [from, to] = [old.get(name), fresh.get(name)];
    if (from === to) return [];
    return [`${name}: ${from === undefined ? '(none)' : quoted(from)} → ${to === undefined ? '(none)' : quoted(to)}`];
  });
}

// A key set is long and says nothing to a person.
const quoted = (text: string) => (text.length > 120 ? `${JSON.stringify(text.slice(0, 120))}…` : JSON.stringify(text));

function flat(value: object, path = ''): Map<string, string> {
  const members = new Map<string, string>();
  for (const [key, member] of Object.entries(value)) {
    const name = `${path}${key}`;
    if (typeof member === 'object' && member !== null && !Array.isArray(member)) {
      for (const [inner, text] of flat(member, `${name}.`)) members.set(inner, text);
    } else if (Array.isArray(member) ? member.length > 0 : member !== undefined && member !== '') {
      members.set(name, String(member));
    }
  }
  return members;
}
