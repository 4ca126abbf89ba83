import { compact } from '../../../api/compact.ts';
import { audienceOf, expirationOf, issuerOf, subjectOf, typeOf, whoOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { rootOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import { endState, sinceCell, timeCell } from '../../../cli/output/age.ts';
import { remembered } from '../../../cli/remembered.ts';

export interface ShownIdentity {
  readonly identity: IamIdentity;
  /** `group: role` of each binding, sorted. Fetched when a column first asks for it. */
  readonly roles: () => Promise<readonly string[]>;
}

export const identityView = defineView<ShownIdentity>({
  id: ({ identity }) => identity.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ identity }) => identity.id },
    { head: 'NAME', value: ({ identity }) => identity.name },
    { head: 'TYPE', rank: 4, value: ({ identity }) => typeOf(identity) ?? 'unknown' },
    { head: 'DESCRIPTION', rank: 7, value: ({ identity }) => identity.description },
    { head: 'ROLES', rank: 2, value: async ({ roles }) => (await roles()).join('\n') },
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
  json: ({ identity: { id, name, description, ...rest } }) => ({
    id,
    name,
    description: description ?? '',
    ...Object.fromEntries(Object.entries(Object(compact(rest)))),
  }),
  envelope: 'items',
  empty: 'No identities found.',
});

/** An identity whose bindings are looked up when they are shown: those in the organization that holds `within`. */
export function shown(context: Context, identity: IamIdentity, within = identity.id ?? ''): ShownIdentity {
  return { identity, roles: async () => (await boundRoles(context, within)).get(identity.id ?? '') ?? [] };
}

/** `group: role` of every binding by identity; of all organizations when `within` is empty. One call for all of them. */
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
