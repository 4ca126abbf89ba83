// Labels of the things of an organization: `engineering/ci`, `viewer for dev@example.com in engineering`.
// Guarantees: pure; what has no name is called by its id.

import type { IamRoleBindingListBinding } from '../api/schema/types/iam.gen.ts';
import { isRoot, parentOf } from '../api/uidp.ts';
import type { Section } from './shapes.ts';
import { addressOf, Places, placeOfBinding, type State, type Things, usersOf } from './state.ts';

/** People's words for one of a section. */
export const nouns: Readonly<Record<Section, string>> = {
  folders: 'folder',
  roles: 'role',
  identityProviders: 'identity provider',
  identities: 'identity',
  groupMappings: 'group mapping',
  bindings: 'binding',
  accountAssociations: 'cloud accounts of',
};

export class Labels {
  readonly places: Places;
  readonly #roles: ReadonlyMap<string, string>;
  readonly #identities: ReadonlyMap<string, string>;
  readonly #providers: ReadonlyMap<string, string>;
  readonly #users: ReadonlyMap<string, string>;

  constructor(state: State) {
    this.places = new Places(state);
    this.#roles = namesOf(state.roles);
    this.#identities = namesOf(state.identities);
    this.#providers = namesOf(state.providers);
    this.#users = usersOf(state);
  }

  folder = ({ id = '', name = '' }: Things['folders']): string => this.places.pathOf(id) || name;

  /** A role, provider or identity. */
  located({ id = '', name = '' }: { readonly id?: string; readonly name?: string }): string {
    return this.named(parentOf(id), name || id);
  }

  named(place: string, name: string): string {
    const path = this.places.pathOf(place);
    return path === '' ? name : `${path}/${name}`;
  }

  mapping({ identityProviderUidp = '', externalGroupId, roleUidp = '', scope = '' }: Things['groupMappings']): string {
    const provider = this.#providers.get(identityProviderUidp) ?? identityProviderUidp;
    return `${this.role(roleUidp)} for the group "${externalGroupId}" of ${provider} in ${this.places.nameOf(scope)}`;
  }

  binding(one: IamRoleBindingListBinding): string {
    const role = this.#roles.get(one.role?.id ?? '') ?? (one.role?.name || one.role?.id || '');
    return `${role} for ${addressOf(one) || this.who(one.identity ?? '')} in ${this.places.nameOf(placeOfBinding(one))}`;
  }

  role = (id: string): string => this.#roles.get(id) ?? id;

  /** The address of a user, the path of an identity. */
  who(id: string): string {
    if (isRoot(id)) return this.#users.get(id) ?? id;
    return this.named(parentOf(id), this.#identities.get(id) ?? id);
  }
}

const namesOf = (things: readonly { readonly id?: string; readonly name?: string }[]) =>
  new Map(things.map(({ id = '', name = '' }) => [id, name]));
