// Computes who holds which capability where, and through what, from the answers of lists. Guarantees: no input or
// output; what no list tells, such as who is in a group of an identity provider, is a grant with a condition and never
// a yes or a no.

import type {
  IamExternalGroupRoleMapping,
  IamIdentity,
  IamIdentityProvider,
  IamRole,
  IamRoleBindingListBinding,
  IamStoredGroupInvite,
} from '../api/schema/types/iam.gen.ts';
import { isAncestorOrSelf, isRoot, parentOf } from '../api/uidp.ts';

/** Answers of lists. Nothing else counts, so a list that hides something makes fewer grants. */
export interface Facts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly bindings: readonly IamRoleBindingListBinding[];
  readonly roles: readonly IamRole[];
  readonly identities: readonly IamIdentity[];
  readonly providers: readonly IamIdentityProvider[];
  readonly mappings: readonly IamExternalGroupRoleMapping[];
  readonly invites: readonly IamStoredGroupInvite[];
  /** Of what more may be there than the lists have shown. */
  readonly hidden: ReadonlySet<Hidden>;
}

/** `groups`: mappings of identity providers and their default roles. */
export type Hidden = 'bindings' | 'groups' | 'invites' | 'identities';

/**
 * `binding`: holds now. `group-mapping` and `scim-group`: whoever the provider says is in the group, at sign-in or over
 * SCIM. `default-role`: anyone who first signs in through the provider. `pending-invite`: whoever accepts it.
 */
export type Through = 'binding' | 'group-mapping' | 'scim-group' | 'default-role' | 'pending-invite';

/** A role at a place, and who has it. */
export interface Grant {
  /** Id of the binding, mapping, provider or invite. */
  readonly id: string;
  readonly through: Through;
  /** Place of the role, with everything below. */
  readonly place: string;
  readonly role: IamRole;
  /** Holder; empty where a condition says who. */
  readonly identity: string;
  /**
   * Address of a user or of whom an invite is for, name of an identity, else its id; the condition where there is one.
   */
  readonly who: string;
  /** The identity or invite ended then: the grant gives nothing any more. Milliseconds since the epoch. */
  readonly endedAt?: number;
}

export const isHeld = ({ through, endedAt }: Grant): boolean => through === 'binding' && endedAt === undefined;

/** Returns whether it gives the capability wherever it counts. */
export const gives = ({ role }: Grant, capability: string): boolean => role.capabilities?.includes(capability) === true;

/** Returns whether it counts at the place. */
export const reaches = (grant: Grant, place: string): boolean => isAncestorOrSelf(grant.place, place);

/** Every grant there is, those that have ended included. Bindings come first, each list in its order. */
export function* grantsIn(facts: Facts): Generator<Grant> {
  const roles = new Map(facts.roles.map((role) => [role.id ?? '', role]));
  // A list of bindings says more of the role than its id; the list of roles may lack one of another place.
  const roleOf = (id: string, said: IamRole = {}): IamRole =>
    said.capabilities ? said : (roles.get(id) ?? { ...said, id });
  const identities = new Map(facts.identities.map((identity) => [identity.id ?? '', identity]));
  for (const binding of facts.bindings) {
    const identity = binding.identity ?? '';
    const known = identities.get(identity);
    yield {
      id: binding.id ?? '',
      through: 'binding',
      place: binding.group?.id || parentOf(binding.id ?? ''),
      role: roleOf(binding.role?.id ?? '', binding.role),
      identity,
      who: binding.email || binding.emailUnverified || known?.name || identity,
      ...ended(known?.static?.expiration, facts.now),
    };
  }
  const providers = new Map(facts.providers.map((provider) => [provider.id ?? '', provider]));
  for (const mapping of facts.mappings) {
    const provider = providers.get(mapping.identityProviderUidp ?? '');
    yield {
      id: mapping.id ?? '',
      through: provider?.scim?.enabled === true ? 'scim-group' : 'group-mapping',
      place: mapping.scope ?? '',
      role: roleOf(mapping.roleUidp ?? ''),
      identity: '',
      who: `group "${mapping.externalGroupId}" of ${provider?.name || mapping.identityProviderUidp}`,
    };
  }
  for (const { id = '', name, defaultRole } of facts.providers) {
    if (!defaultRole) continue;
    yield {
      id,
      through: 'default-role',
      place: parentOf(id),
      role: roleOf(defaultRole),
      identity: '',
      who: `anyone who first signs in through ${name || id}`,
    };
  }
  for (const invite of facts.invites) {
    yield {
      id: invite.id ?? '',
      through: 'pending-invite',
      place: parentOf(invite.id ?? ''),
      role: roleOf(invite.role?.id ?? '', invite.role),
      identity: '',
      who: invite.email || `anyone who has the invite ${invite.keyId || invite.id}`,
      ...ended(invite.expiration, facts.now),
    };
  }
}

function ended(expiration: string | undefined, now: number): { readonly endedAt?: number } {
  const at = Date.parse(expiration ?? '');
  return at <= now ? { endedAt: at } : {};
}

/** Grants that give the capability at the place, or would once their condition is met. What has ended is left out. */
export function whoCan(facts: Facts, capability: string, place: string): Grant[] {
  const found: Grant[] = [];
  for (const grant of grantsIn(facts)) {
    if (grant.endedAt === undefined && reaches(grant, place) && gives(grant, capability)) found.push(grant);
  }
  return found;
}

/**
 * The same for those who have every one of the capabilities, which may come from several grants to one of them. Two
 * conditions do not add up, because nobody knows who meets both.
 */
export function whoCanAll(facts: Facts, capabilities: readonly string[], place: string): Grant[] {
  const holders = new Map<string, { readonly grants: Grant[]; readonly held: Set<string> }>();
  for (const grant of grantsIn(facts)) {
    if (grant.endedAt !== undefined || !reaches(grant, place)) continue;
    const gained = capabilities.filter((one) => gives(grant, one));
    if (gained.length === 0) continue;
    const key = grant.through === 'binding' ? grant.identity : `${grant.through} ${grant.who}`;
    const holder = holders.get(key) ?? { grants: [], held: new Set() };
    holders.set(key, holder);
    holder.grants.push(grant);
    for (const one of gained) holder.held.add(one);
  }
  return [...holders.values()].filter(({ held }) => held.size === capabilities.length).flatMap(({ grants }) => grants);
}

/** Somebody as lists know it. */
export interface Subject {
  readonly id: string;
  /** Address of a user; what a pending invite may be for. */
  readonly name: string;
}

/** `unknown`: no list says no, but a condition that no list answers would make it a yes. */
export interface Decision {
  readonly answer: 'yes' | 'no' | 'unknown';
  /** Source that gives it now. */
  readonly paths: readonly Grant[];
  /** Source that would give it if the condition is met. */
  readonly conditions: readonly Grant[];
}

/** Returns whether somebody has the capability at the place. */
export function decide(facts: Facts, subject: Subject, capability: string, place: string): Decision {
  const grants = whoCan(facts, capability, place);
  const paths = grants.filter(({ through, identity }) => through === 'binding' && identity === subject.id);
  const conditions = grants.filter((grant) => mayConcern(grant, subject));
  // An invite or a first sign-in gives nothing before it is there, so only groups and what is hidden leave it open.
  const isOpen =
    conditions.some(({ through }) => through === 'group-mapping' || through === 'scim-group') ||
    facts.hidden.has('bindings') ||
    (isRoot(subject.id) && facts.hidden.has('groups'));
  return { answer: paths.length > 0 ? 'yes' : isOpen ? 'unknown' : 'no', paths, conditions };
}

/** Only users sign in through a provider or accept an invite: an identity below a place is assumed by a token. */
export function mayConcern({ through, who }: Grant, { id, name }: Subject): boolean {
  if (through === 'binding' || !isRoot(id)) return false;
  return through !== 'pending-invite' || !who.includes('@') || who === name;
}
