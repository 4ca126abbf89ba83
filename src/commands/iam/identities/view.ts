import { compactAfter } from '../../../api/compact.ts';
import { audienceOf, expirationOf, issuerOf, subjectOf, typeOf, whoOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { rootOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import { endState, sinceCell, timeCell } from '../../../cli/output/age.ts';
import { remembered } from '../../../cli/remembered.ts';

export interface ShownIdentity {
  readonly identity: IamIdentity;
  /** `group: role` of each binding, sorted. Fetched when a column first asks for it, and there at once from then on. */
  readonly roles: () => readonly string[] | Promise<readonly string[]>;
}

export const identityView = defineView<ShownIdentity>({
  id: ({ identity }) => identity.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ identity }) => identity.id },
    { head: 'NAME', value: ({ identity }) => identity.name },
    { head: 'TYPE', rank: 4, value: ({ identity }) => typeOf(identity) ?? 'unknown' },
    { head: 'DESCRIPTION', rank: 7, value: ({ identity }) => identity.description },
    { head: 'ROLES', rank: 2, value: ({ roles }) => rolesCell(roles()) },
    { head: 'ISSUER', rank: 6, value: ({ identity }) => issuerOf(identity) },
    {
      head: 'EXPIRES',
      rank: 5,
      value: ({ identity }, cell) => {
        const end = expirationOf(identity);
        return end === undefined ? 'n/a' : timeCell(end, cell);
      },
      state: ({ identity }, cell) => endState(expirationOf(identity), cell),
    },
    {
      head: 'SUBJECT',
      rank: 1,
      value: ({ identity }) => subjectOf(identity),
      brief: ({ identity }) => whoOf(identity),
    },
    { head: 'LAST SEEN', rank: 3, value: ({ identity }, cell) => sinceCell(identity.lastSeen, cell) },
    { head: 'CREATED', rank: 8, value: ({ identity }, cell) => sinceCell(identity.createdAt, cell) },
    { head: 'AUDIENCE', wide: true, value: ({ identity }) => audienceOf(identity) },
  ],
  json: ({ identity }) =>
    compactAfter({ id: identity.id, name: identity.name, description: identity.description ?? '' }, identity),
  envelope: 'items',
  empty: 'No identities found.',
});

export const rolesCell = (roles: readonly string[] | Promise<readonly string[]>): string | Promise<string> =>
  roles instanceof Promise ? roles.then((lines) => lines.join('\n')) : roles.join('\n');

/** An identity whose bindings are looked up when they are shown: those in the organization that holds `within`. */
export function shown(context: Context, identity: IamIdentity, within = identity.id ?? ''): ShownIdentity {
  const rolesIn = (all: ReadonlyMap<string, readonly string[]>) => all.get(identity.id ?? '') ?? [];
  return {
    identity,
    roles: () => {
      const asked = boundRoles(context, within);
      const known = answered.get(asked);
      if (known !== undefined) return rolesIn(known);
      return asked.then((all) => {
        answered.set(asked, all);
        return rolesIn(all);
      });
    },
  };
}

/** Asks for the roles that `shown` of identities within will ask for. What goes wrong is told when they are shown. */
export function beginRoles(context: Context, within = ''): void {
  boundRoles(context, within).catch(() => {});
}

/** Answers by question. A list asks once for every row, and waiting costs more than looking it up. */
const answered = new WeakMap<Promise<unknown>, ReadonlyMap<string, readonly string[]>>();

/**
 * `group: role` of every binding by identity; of all organizations when `within` is empty. One call for all of them.
 */
const boundRoles = remembered(
  async (context: Context, within: string): Promise<ReadonlyMap<string, readonly string[]>> => {
    const organization = rootOf(within);
    const filter = organization === '' ? {} : { uidp: { descendantsOf: organization } };
    const roles = new Map<string, string[]>();
    for await (const { identity = '', group, role } of (await context.api()).list('iam.v1.RoleBindings.List', filter)) {
      const line = `${group?.name || group?.id || ''}: ${role?.name || role?.id || ''}`;
      const lines = roles.get(identity);
      if (lines === undefined) roles.set(identity, [line]);
      else lines.push(line);
    }
    for (const lines of roles.values()) lines.sort();
    return roles;
  },
  rootOf,
);
