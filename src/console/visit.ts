// The visit that every page is given: who looks at it, what they may do and where.

import { type Holding, holdingsAt, holdingsOf } from '../access/authority.ts';
import type { IamGroup, IamRole } from '../api/schema/types/iam.gen.ts';
import { isAncestor, isAncestorOrSelf, isRoot, parentOf } from '../api/uidp.ts';
import type { Group, Place, Visit } from './page.ts';
import { pages } from './pages.gen.ts';
import type { ConsoleOptions, ConsoleRequest } from './request.ts';
import type { Session } from './session.ts';

export interface Known {
  readonly me: { readonly id: string; readonly name: string; readonly holdings: readonly Holding[] };
  readonly groups: readonly Group[];
  readonly organizations: readonly Group[];
}

/** Returns what every page needs. */
export function knownOf(session: Session, now: number): Promise<Known> {
  return session.cached('known', now, async () => {
    const { caller } = session;
    const [me, { items: groups = [] }] = await Promise.all([
      caller.call('auth.v1.Auth.Validate', {}),
      caller.call('iam.v1.Groups.List', {}),
    ]);
    // The issuer may name a role without what it allows; then the roles say it.
    const isBare = me.capabilities?.some(
      ({ role, capabilities = [] }) => role && capabilities.length === 0 && !role.capabilities,
    );
    const roles: readonly IamRole[] = isBare ? ((await caller.call('iam.v1.Roles.List', {})).items ?? []) : [];
    const named = groups.filter(isGroup).sort((a, b) => (a.name < b.name ? -1 : 1));
    const { subject: id = '', email = '', profile } = me;
    return {
      me: { id, name: email || profile?.name || id, holdings: holdingsOf(me, roles) },
      groups: named,
      organizations: named.filter((group) => isRoot(group.id)),
    };
  });
}

/** Returns what a page is given. */
export function visitOf(
  options: ConsoleOptions,
  request: ConsoleRequest,
  session: Session,
  known: Known,
  organization: Group,
): Visit {
  const { prefix, platform, clouds, randomBytes, signIn } = options;
  const { me, groups, organizations } = known;
  const may = (capability: string, place = organization.id) => holdingsAt(me.holdings, capability, place).length > 0;
  const mayAnywhere = (capability: string) =>
    may(capability) ||
    me.holdings.some(
      ({ place, capabilities }) => isAncestor(organization.id, place) && capabilities.includes(capability),
    );
  const offered = pages
    .filter(({ menu, needs }) => menu !== undefined && (needs === undefined || needs.some(mayAnywhere)))
    .sort((a, b) => (a.menu ?? 0) - (b.menu ?? 0));
  return {
    caller: session.caller,
    platform,
    me,
    organization,
    organizations,
    places: placesOf(organization, groups),
    query: request.query,
    here: request.path,
    clouds,
    origin: request.origin,
    memory: session.memory,
    now: options.now(),
    randomBytes,
    may,
    mayAnywhere,
    offered,
    href(path, action = '', query = {}) {
      const definition = pages.find((each) => each.path === path);
      const base = definition?.isOfAccount === true ? prefix : `${prefix}/${organization.id}`;
      const search = new URLSearchParams(
        Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
      return `${[base, path, action].filter((step) => step !== '').join('/')}${search.size === 0 ? '' : `?${search}`}`;
    },
    put: (value) => session.put(value),
    take: (ticket) => session.take(ticket),
    acceptAddress: signIn && ((code) => signIn(`${prefix}/`, code)),
  };
}

const isGroup = (group: IamGroup): group is Group => group.id !== undefined && group.name !== undefined;

function placesOf(organization: Group, groups: readonly Group[]): Place[] {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const nameOf = (id: string): string => {
    const name = byId.get(id)?.name ?? id;
    return isRoot(id) ? name : `${nameOf(parentOf(id))} / ${name}`;
  };
  return groups
    .filter(({ id }) => isAncestorOrSelf(organization.id, id))
    .map(({ id }) => ({ id, name: nameOf(id) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
