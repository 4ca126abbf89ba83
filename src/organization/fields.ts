// Fields of a thing that a file can state, in one form, so that two of them can be compared. Guarantees: pure; what is
// empty is left out, because the API writes unset fields too.

import { createHash } from 'node:crypto';
import type { IamAccountAssociations, IamIdentity, IamIdentityProvider, IamRole } from '../api/schema/types/iam.gen.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Without members that are empty, at any depth; keys sorted. */
export function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(bare);
  if (typeof value !== 'object' || value === null) {
    return value === '' || value === false || value === null ? undefined : value;
  }
  const members = Object.entries(value)
    .map(([key, member]) => [key, bare(member)] as const)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

const bareFields = (value: unknown): Fields => (bare(value) ?? {}) as Fields;

export const proofs = ['claimMatch', 'static', 'awsIdentity', 'servicePrincipal'] as const;

export function identityFields({
  description,
  claimMatch,
  static: keys,
  awsIdentity,
  servicePrincipal,
}: IamIdentity): Fields {
  const principal =
    servicePrincipal === 'UNKNOWN' || String(servicePrincipal ?? '') === '' ? undefined : servicePrincipal;
  return bareFields({
    description,
    claimMatch,
    static: keys === undefined ? undefined : { ...keys, expiration: exactTime(keys.expiration) },
    awsIdentity,
    servicePrincipal: principal,
  });
}

export const roleFields = ({ description, capabilities = [] }: IamRole): Fields =>
  bareFields({ description, capabilities: [...new Set(capabilities)].sort() });

/** The secret is never told by the platform, so it is not compared. */
export function providerFields({ description, defaultRole, oidc }: IamIdentityProvider): Fields {
  const { clientSecret: _secret, correlationRule: _rule, ...rest } = oidc ?? {};
  return bareFields({ description, defaultRole, oidc: { ...rest, additionalScopes: rest.additionalScopes ?? [] } });
}

export const associationFields = ({ group: _group, github: _github, ...rest }: IamAccountAssociations): Fields =>
  bareFields(rest);

/** The same moment written in one way; what is no time stays as it is, for the platform to refuse. */
function exactTime(text: string | undefined): string | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? text : new Date(at).toISOString().replace('.000Z', 'Z');
}

/** `claimMatch.subject: "a" → "b"` for every member that differs, and for a list what it gains and loses. */
export function differences(before: Fields, after: Fields): string[] {
  const [old, fresh] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].sort().flatMap((name) => {
    const [from, to] = [old.get(name), fresh.get(name)];
    if (Array.isArray(from) || Array.isArray(to)) {
      const [had, has] = [[from ?? []].flat(), [to ?? []].flat()];
      const [more, less] = [has.filter((one) => !had.includes(one)), had.filter((one) => !has.includes(one))];
      return [
        ...(more.length === 0 ? [] : [`${name}: adds ${more.join(', ')}`]),
        ...(less.length === 0 ? [] : [`${name}: drops ${less.join(', ')}`]),
      ];
    }
    return from === to ? [] : [`${name}: ${from ?? '(none)'} → ${to ?? '(none)'}`];
  });
}

/** `claimMatch.subject: "a"` for every member of what is new. */
export const described = (fields: Fields): string[] =>
  [...flat(fields)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}: ${[value].flat().join(', ')}`);

/** Texts by path, lists as they are. */
function flat(fields: object, path = ''): Map<string, string | readonly string[]> {
  const members = new Map<string, string | readonly string[]>();
  for (const [key, member] of Object.entries(fields)) {
    const name = `${path}${key}`;
    if (Array.isArray(member)) members.set(name, member.map(String));
    else if (typeof member === 'object' && member !== null) {
      for (const [inner, text] of flat(member, `${name}.`)) members.set(inner, text);
    } else if (member !== undefined) members.set(name, brief(String(member)));
  }
  return members;
}

/** Keys are long, and two of them differ where nobody looks. */
const brief = (text: string) =>
  text.length <= 120
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, 40))}… (SHA-256 ${createHash('sha256').update(text).digest('hex').slice(0, 12)})`;
