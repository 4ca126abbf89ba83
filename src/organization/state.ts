// Content of an organization, as the lists of the API answer: the state that files describe, compare with and change.
// Guarantees: no input or output.

import type { Facts } from '../access/grants.ts';
import type {
  IamAccountAssociations,
  IamExternalGroupRoleMapping,
  IamGroup,
  IamIdentity,
  IamIdentityProvider,
  IamRole,
  IamRoleBindingListBinding,
} from '../api/schema/types/iam.gen.ts';
import { ancestry, isRoot, parentOf } from '../api/uidp.ts';
import type { Section } from './shapes.ts';

export interface State {
  readonly organization: IamGroup;
  /** Folders at any depth, in any order. */
  readonly folders: readonly IamGroup[];
  /** Built-in ones and the organization's own. */
  readonly roles: readonly IamRole[];
  readonly providers: readonly IamIdentityProvider[];
  readonly identities: readonly IamIdentity[];
  readonly mappings: readonly IamExternalGroupRoleMapping[];
  readonly bindings: readonly IamRoleBindingListBinding[];
  readonly associations: readonly IamAccountAssociations[];
}

/** Type of a section's entries. */
export interface Things {
  readonly folders: IamGroup;
  readonly roles: IamRole;
  readonly identityProviders: IamIdentityProvider;
  readonly identities: IamIdentity;
  readonly groupMappings: IamExternalGroupRoleMapping;
  readonly bindings: IamRoleBindingListBinding;
  readonly accountAssociations: IamAccountAssociations;
}

/** Returns what the evaluator of access needs of it. Invites are not part of files, so none are there. */
export function factsOf(state: State, now: number): Facts {
  const roles = new Map(state.roles.map((role) => [role.id, role]));
  return {
    now,
    // A list of bindings says what their roles allowed when it was asked; the state may have other roles by now.
    bindings: state.bindings.map((one) => {
      const role = roles.get(one.role?.id);
      return role === undefined || role === one.role ? one : { ...one, role };
    }),
    roles: state.roles,
    identities: state.identities,
    providers: state.providers,
    mappings: state.mappings,
    invites: [],
    hidden: new Set(),
  };
}

/** Ids of the organization and all its folders. */
export const placesOf = ({ organization, folders }: State): string[] =>
  [organization, ...folders].map(({ id }) => id ?? '');

/** Finds places by path and tells the path of a place: `''` is the organization itself, `engineering/team` a folder. */
export class Places {
  readonly #byId = new Map<string, IamGroup>();
  readonly #byPath = new Map<string, IamGroup[]>();
  readonly #root: IamGroup;

  constructor({ organization, folders }: Pick<State, 'organization' | 'folders'>) {
    this.#root = organization;
    for (const one of folders) this.#byId.set(one.id ?? '', one);
    for (const one of folders) this.add(one);
  }

  /** A folder whose parents are known. */
  add(folder: IamGroup): void {
    this.#byId.set(folder.id ?? '', folder);
    const path = this.pathOf(folder.id ?? '');
    this.#byPath.set(path, [...(this.#byPath.get(path) ?? []), folder]);
  }

  pathOf(id: string): string {
    return ancestry(id)
      .filter((each) => each !== this.#root.id)
      .map((each) => this.#byId.get(each)?.name)
      .filter((name) => name !== undefined)
      .reverse()
      .join('/');
  }

  /** Returns what people read: the organization's name for the organization. */
  nameOf(id: string): string {
    return this.pathOf(id) || (this.#root.name ?? '');
  }

  /** Ids of the places with this path; the organization's name stands for itself. */
  at(path: string): string[] {
    if (path === '' || path === this.#root.name) return [this.#root.id ?? ''];
    return (this.#byPath.get(path) ?? []).map(({ id }) => id ?? '');
  }
}

/** Returns whether a role is one that every organization has. */
export const isBuiltIn = ({ id = '' }: IamRole): boolean => isRoot(id);

/** Address of the user who holds a binding; empty for an assumable identity. */
export const addressOf = (binding: IamRoleBindingListBinding): string => binding.email || binding.emailUnverified || '';

/** Returns where a binding counts. */
export const placeOfBinding = (binding: IamRoleBindingListBinding): string =>
  binding.group?.id || parentOf(binding.id ?? '');

/** Users who hold a role in the organization, address by id. */
export function usersOf({ bindings }: State): Map<string, string> {
  const users = new Map<string, string>();
  for (const binding of bindings) {
    const address = addressOf(binding);
    if (address !== '') users.set(binding.identity ?? '', address);
  }
  return users;
}

/** Returns the entries of a section that are no longer there. */
export interface Gone {
  readonly kind: Section;
  readonly id: string;
}

/**
 * Without these, and without what goes with them: bindings of an identity, mappings of a provider, all that a folder
 * holds.
 */
export function without(state: State, gone: readonly Gone[]): State {
  const associations = new Set(gone.filter(({ kind }) => kind === 'accountAssociations').map(({ id }) => id));
  const ids = new Set(gone.filter(({ kind }) => kind !== 'accountAssociations').map(({ id }) => id));
  const stays = (id = '') => !ancestry(id).some((one) => ids.has(one));
  const isThere = ({ id }: { readonly id?: string }) => stays(id);
  return {
    ...state,
    folders: state.folders.filter(isThere),
    roles: state.roles.filter(isThere),
    providers: state.providers.filter(isThere),
    identities: state.identities.filter(isThere),
    mappings: state.mappings.filter((one) => isThere(one) && stays(one.identityProviderUidp) && stays(one.scope)),
    bindings: state.bindings.filter((one) => isThere(one) && stays(placeOfBinding(one)) && stays(one.identity)),
    associations: state.associations.filter(({ group }) => stays(group) && !associations.has(group ?? '')),
  };
}

/** Returns the places of a section's things. */
export const lists = {
  folders: 'folders',
  roles: 'roles',
  identityProviders: 'providers',
  identities: 'identities',
  groupMappings: 'mappings',
  bindings: 'bindings',
  accountAssociations: 'associations',
} as const satisfies Record<Section, keyof State>;

/** Cloud accounts have no id of their own: a place has one record. */
export function idOf(thing: { readonly id?: string; readonly group?: unknown }): string {
  return thing.id ?? (typeof thing.group === 'string' ? thing.group : '');
}

/** Lists that can be added to. */
export type Draft = { -readonly [K in keyof State]: State[K] extends readonly (infer I)[] ? I[] : State[K] };

export const draftOf = (state: State): Draft => ({
  organization: state.organization,
  folders: [...state.folders],
  roles: [...state.roles],
  providers: [...state.providers],
  identities: [...state.identities],
  mappings: [...state.mappings],
  bindings: [...state.bindings],
  associations: [...state.associations],
});
