// What an organization has, as the lists of the API answer: the state that files describe, compare with and change.
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

/** What the entries of a section become. */
export interface Things {
  readonly folders: IamGroup;
  readonly roles: IamRole;
  readonly identityProviders: IamIdentityProvider;
  readonly identities: IamIdentity;
  readonly groupMappings: IamExternalGroupRoleMapping;
  readonly bindings: IamRoleBindingListBinding;
  readonly accountAssociations: IamAccountAssociations;
}

/** What the evaluator of access needs of it. Invites are not part of files, so none are there. */
export const factsOf = (state: State, now: number): Facts => ({
  now,
  bindings: state.bindings,
  roles: state.roles,
  identities: state.identities,
  providers: state.providers,
  mappings: state.mappings,
  invites: [],
  hidden: new Set(),
});

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

  /** What people read: the organization's name for the organization. */
  nameOf(id: string): string {
    return this.pathOf(id) || (this.#root.name ?? '');
  }

  /** Ids of the places with this path; the organization's name stands for itself. */
  at(path: string): string[] {
    if (path === '' || path === this.#root.name) return [this.#root.id ?? ''];
    return (this.#byPath.get(path) ?? []).map(({ id }) => id ?? '');
  }
}

/** Whether a role is one that every organization has. */
export const isBuiltIn = ({ id = '' }: IamRole): boolean => isRoot(id);

/** Address of the user who holds a binding; empty for an assumable identity. */
export const addressOf = (binding: IamRoleBindingListBinding): string => binding.email || binding.emailUnverified || '';

/** Where a binding counts. */
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
