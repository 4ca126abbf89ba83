// Collects facts about access at a place from the API's lists. Guarantees: only lists are asked, each of them once;
// what this login does not see is a sentence and never silently a no.

import { type Holding, hiddenPlaces, holdingsOf } from '../../../access/authority.ts';
import type { Facts, Grant, Hidden } from '../../../access/grants.ts';
import { type ClientOperationId, capabilitiesOf } from '../../../api/client.ts';
import type { IamIdentity, IamRole, IamRoleBindingListBinding } from '../../../api/schema/types/iam.gen.ts';
import { ancestry, isAncestor, isRoot, rootOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { groupDirectory, pathOf } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { gather } from '../../../cli/output/format.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import { visibleRoles } from '../roles/role.ts';

export interface SeenFacts extends Facts {
  /** Lists that this login does not see, a sentence each. */
  readonly unseen: readonly string[];
}

/**
 * Returns what counts at the place: made there or around it; with `everywhere` also bindings made elsewhere in its
 * organization.
 */
export async function factsAt(context: Context, place: string, everywhere = false): Promise<SeenFacts> {
  const api = await context.api();
  const around = ancestry(place);
  const root = rootOf(place);
  const [roles, bindings, providers, mappings, invites] = await Promise.all([
    visibleRoles(context),
    // Place by place: an organization has many more bindings than the few that count here.
    everywhere
      ? each([root], (at) => withSharedRoles(api.list('iam.v1.RoleBindings.List', { uidp: { descendantsOf: at } })))
      : each(around, (at) => withSharedRoles(api.list('iam.v1.RoleBindings.List', { uidp: { childrenOf: at } }))),
    each([root], (at) => api.list('iam.v1.IdentityProviders.List', { uidp: { descendantsOf: at } })),
    each([root], (at) => api.list('iam.v1.ExternalGroupRoleMappings.List', { uidp: { descendantsOf: at } })),
    each([root], (at) => api.list('iam.v1.GroupInvites.List', { group: at })),
  ]);
  // Users are in no list; only identities of the organization have a name and an end to look up.
  const hasAssumable = bindings.some(({ identity = '' }) => !isRoot(identity));
  const identities = hasAssumable
    ? await each([root], (at) => namesAndTimes(api.list('iam.v1.Identities.List', { uidp: { descendantsOf: at } })))
    : [];
  const { hidden, unseen } = await hiddenFrom(
    context,
    place,
    looks.filter(([what]) => what !== 'identities' || hasAssumable),
  );
  return {
    now: context.host.now(),
    ...{ roles, bindings, providers, mappings, invites, identities, hidden },
    unseen: [
      ...unseen,
      ...providers
        .filter(({ scim }) => scim?.enabled === true)
        .map(({ name }) => `No list says which users "${name}" has deactivated; they can do nothing here.`),
    ],
  };
}

async function each<T>(places: readonly string[], list: (place: string) => AsyncIterable<T>): Promise<readonly T[]> {
  const answers = await Promise.all(places.map((place) => orNone(() => gather(list(place)))));
  return answers.flat();
}

/** An identity without its rules. */
async function* namesAndTimes(items: AsyncIterable<IamIdentity>): AsyncGenerator<IamIdentity> {
  for await (const { id, name, lastSeen, static: fixed } of items) {
    yield { ...defined({ id, name, lastSeen }), ...(fixed && { static: defined({ expiration: fixed.expiration }) }) };
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined && field !== '')) as Defined<T>;

/**
 * Yields what counts of each, with one role for all that have the same: an organization has many bindings of few roles.
 */
export async function* withSharedRoles(
  items: AsyncIterable<IamRoleBindingListBinding>,
): AsyncGenerator<IamRoleBindingListBinding> {
  const roles = new Map<string, IamRole>();
  for await (const { id, identity, email, emailUnverified, group, role = {} } of items) {
    const key = role.id ?? '';
    const shared = roles.get(key) ?? role;
    roles.set(key, shared);
    yield { ...defined({ id, identity, email, emailUnverified }), group: defined({ id: group?.id }), role: shared };
  }
}

/** A list that is refused shows nothing; that it is hidden is said by `hiddenFrom`. */
async function orNone<T>(list: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await list();
  } catch (error) {
    if (error instanceof CliError && (error.kind === 'permission' || error.kind === 'not-found')) return [];
    throw error;
  }
}

/** Capabilities of this login, read once a run. */
export const ownHoldings = remembered(
  async (
    context: Context,
  ): Promise<{ readonly id: string; readonly name: string; readonly holdings: readonly Holding[] }> => {
    const me = await (await context.issuerApi()).call('auth.v1.Auth.Validate', {});
    const { subject: id = '', email } = me;
    return { id, name: email || id, holdings: holdingsOf(me, await visibleRoles(context)) };
  },
);

const looks: readonly (readonly [Hidden, ClientOperationId, string])[] = [
  ['bindings', 'iam.v1.RoleBindings.List', 'role bindings made'],
  ['groups', 'iam.v1.ExternalGroupRoleMappings.List', 'roles from groups of identity providers'],
  ['invites', 'iam.v1.GroupInvites.List', 'invites'],
  ['identities', 'iam.v1.Identities.List', 'names and ends of identities'],
];

async function hiddenFrom(
  context: Context,
  place: string,
  among: typeof looks,
): Promise<{ readonly hidden: ReadonlySet<Hidden>; readonly unseen: readonly string[] }> {
  const { holdings } = await ownHoldings(context);
  const hidden = new Set<Hidden>();
  const unseen: string[] = [];
  for (const [what, operation, words] of among) {
    const needed = await capabilitiesOf(operation);
    // Providers and identities may be of the organization, whatever place is asked about.
    const isOfRoot = what === 'groups' || what === 'identities';
    const places = hiddenPlaces(holdings, needed, isOfRoot ? rootOf(place) : place);
    if (places.length === 0) continue;
    hidden.add(what);
    const names = await Promise.all(places.map((each) => placeName(context, each)));
    const lacking = needed.map((one) => `"${one}"`).join(' and ');
    unseen.push(
      printable(`This login does not see ${words} in ${names.join(', ')}: it lacks the capability ${lacking} there.`),
    );
  }
  return { hidden, unseen };
}

/** Role bindings made around a place that this login does not see, a sentence if there are any. */
export async function unseenAround(context: Context, place: string): Promise<readonly string[]> {
  return (
    await hiddenFrom(
      context,
      place,
      looks.filter(([what]) => what === 'bindings'),
    )
  ).unseen;
}

/** Names from the organization down; the id of a place that is no visible group. */
export async function placeName(context: Context, id: string): Promise<string> {
  const directory = await groupDirectory(context);
  const group = directory.byId.get(id);
  return group === undefined ? id : pathOf(group, directory);
}

/** A grant as commands show it. */
export interface ShownGrant {
  readonly grant: Grant;
  readonly location: string;
  /** It is held above the place that was asked about. */
  readonly inherited: boolean;
}

export async function showGrant(context: Context, grant: Grant, on: string): Promise<ShownGrant> {
  return { grant, location: await placeName(context, grant.place), inherited: isAncestor(grant.place, on) };
}
