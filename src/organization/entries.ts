// Turns what an organization has into the entries that a file holds. Guarantees: pure; names where they mean one thing,
// ids where they do not; no secret, no pull token, nothing that the platform sets itself.

import { typeOf } from '../api/identity-rules.ts';
import { isAncestorOrSelf, parentOf } from '../api/uidp.ts';
import { associationFields, type Fields, identityFields, providerFields, roleFields } from './fields.ts';
import { type Section, sectionNames } from './shapes.ts';
import { isBuiltIn, Places, placeOfBinding, type State, usersOf } from './state.ts';

export type Entries = Readonly<Record<Section, readonly Fields[]>>;

/** Pull tokens are left out: only who made one holds its key. Their number is for telling so. */
export const pullTokensIn = ({ identities }: State): number =>
  identities.filter((one) => typeOf(one) === 'pull_token').length;

/** Entries in an order that does not depend on ids. */
export function entriesOf(state: State): Entries {
  const places = new Places(state);
  const users = usersOf(state);
  const addresses = counted([...users.values()]);
  const custom = state.roles.filter((role) => !isBuiltIn(role));
  const identities = state.identities.filter((one) => typeOf(one) !== 'pull_token');
  const kept = new Set(identities.map(({ id }) => id));
  const identityById = new Map(identities.map((one) => [one.id, one]));
  const identityNames = counted(identities.map(({ name = '' }) => name));
  const located = counted(
    [...identities, ...custom, ...state.providers].map((one) => `${parentOf(one.id ?? '')} ${one.name}`),
  );
  const roleById = new Map(state.roles.map((role) => [role.id, role]));

  const within = (place: string) => (places.pathOf(place) === '' ? {} : { in: places.pathOf(place) });
  const head = (one: { readonly id?: string; readonly name?: string }) => {
    const place = parentOf(one.id ?? '');
    const isShared = (located.get(`${place} ${one.name}`) ?? 0) > 1;
    return { name: one.name ?? '', ...within(place), ...(isShared ? { id: one.id ?? '' } : {}) };
  };
  const roleAt = (id: string, place: string): string => {
    const role = roleById.get(id);
    const named = state.roles.filter(
      (one) => one.name === role?.name && (isBuiltIn(one) || isAncestorOrSelf(parentOf(one.id ?? ''), place)),
    );
    return role?.name !== undefined && named.length === 1 ? role.name : id;
  };
  const identityName = (id: string): string => {
    const one = identityById.get(id);
    if (one?.name === undefined) return id;
    if (identityNames.get(one.name) === 1) return one.name;
    const path = places.pathOf(parentOf(id));
    return path !== '' && located.get(`${parentOf(id)} ${one.name}`) === 1 ? `${path}/${one.name}` : id;
  };
  const person = (id: string): Fields => {
    const address = users.get(id);
    return { user: address !== undefined && addresses.get(address) === 1 ? address : id };
  };

  return {
    folders: sorted(
      state.folders.map(({ id = '', description = '' }) => ({
        path: places.pathOf(id),
        ...(description === '' ? {} : { description }),
      })),
    ),
    roles: sorted(custom.map((role) => ({ ...head(role), ...roleFields(role) }))),
    identityProviders: sorted(
      state.providers.map((one) => {
        const { defaultRole, ...rest } = providerFields(one);
        const role =
          typeof defaultRole === 'string' ? { defaultRole: roleAt(defaultRole, parentOf(one.id ?? '')) } : {};
        return { ...head(one), ...rest, ...role };
      }),
    ),
    identities: sorted(identities.map((one) => ({ ...head(one), ...identityFields(one) }))),
    groupMappings: sorted(
      state.mappings.map(({ identityProviderUidp = '', externalGroupId = '', roleUidp = '', scope = '' }) => ({
        provider: state.providers.find(({ id }) => id === identityProviderUidp)?.name ?? identityProviderUidp,
        group: externalGroupId,
        role: roleAt(roleUidp, scope),
        ...within(scope),
      })),
    ),
    bindings: sorted(
      state.bindings.flatMap((one) => {
        const identity = one.identity ?? '';
        const place = placeOfBinding(one);
        // Those of pull tokens come and go with them.
        if (identity.includes('/') && !kept.has(identity)) return [];
        const who = identity.includes('/') ? { identity: identityName(identity) } : person(identity);
        return [{ ...who, role: roleAt(one.role?.id ?? '', place), ...within(place) }];
      }),
    ),
    accountAssociations: sorted(
      state.associations.map((one) => ({ ...within(one.group ?? ''), ...associationFields(one) })),
    ),
  };
}

/** Sections that have entries, in the order in which they build on each other. */
export const filledSections = (entries: Entries): Section[] => sectionNames.filter((name) => entries[name].length > 0);

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function sorted(entries: readonly Fields[]): Fields[] {
  // Places come before the things in them.
  const key = (one: Fields) =>
    JSON.stringify([one['in'] ?? '', one['path'] ?? one['name'] ?? one['user'] ?? one['identity'] ?? '', one]);
  return entries
    .map((one) => [key(one), one] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);
}
