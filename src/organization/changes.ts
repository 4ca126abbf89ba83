// Computes the changes that make an organization as files say. Guarantees: no input or output; nothing is deleted that
// the files could not have said, and nothing at all without `prune`; what is impossible is told before anything
// changes.

import { typeOf } from '../api/identity-rules.ts';
import type {
  IamExternalGroupRoleMapping,
  IamIdentity,
  IamRoleBindingListBinding,
} from '../api/schema/types/iam.gen.ts';
import { isRoot, parentOf } from '../api/uidp.ts';
import { type Document, type Line, refuse, type Written } from './document.ts';
import {
  associationFields,
  described,
  differences,
  type Fields,
  identityFields,
  proofs,
  providerFields,
  roleFields,
} from './fields.ts';
import { Labels, nouns } from './labels.ts';
import { References } from './references.ts';
import type { Entry, Section } from './shapes.ts';
import {
  type Draft,
  draftOf,
  idOf,
  isBuiltIn,
  lists,
  placeOfBinding,
  type State,
  type Things,
  without,
} from './state.ts';

/** One request to the API. Ids of what earlier changes make end in `/new-N`. */
export interface Change<S extends Section = Section> {
  readonly action: 'create' | 'update' | 'delete';
  readonly kind: S;
  /** The thing as it will be, or as it was where it goes. */
  readonly thing: Things[S];
  /** Label: `engineering/ci`, `viewer for dev@example.com in engineering`. */
  readonly label: string;
  /** `description: "a" → "b"`, without secrets. */
  readonly details: readonly string[];
  readonly id: string;
  /** Present or future place. */
  readonly place: string;
  /** The environment variable that holds the secret of an identity provider's client, where the file names one. */
  readonly secretFrom?: string;
}

export const isOf = <S extends Section>(change: Change, kind: S): change is Change<S> & Change => change.kind === kind;

export interface Changes {
  /** In the order in which they can be made. */
  readonly changes: readonly Change[];
  /** Content of the organization once the changes are made. */
  readonly after: State;
  /** Labels of what `prune` would delete. */
  readonly unmentioned: readonly string[];
}

/** Throws a usage CliError that lists everything the files say and that cannot be. */
export function changesFor(state: State, document: Document, prune: boolean): Changes {
  return new Planner(state, document).plan(prune);
}

class Planner {
  readonly #before: State;
  #after: Draft;
  readonly #document: Document;
  readonly #problems: string[] = [];
  readonly #changes: Change[] = [];
  /** Kinds and ids of what the files mention: the cloud accounts of a folder have its id. */
  readonly #kept = new Set<string>();
  #planned = 0;
  readonly #references: References;
  readonly #mappings: Map<string, IamExternalGroupRoleMapping>;
  readonly #bindings: Map<string, IamRoleBindingListBinding>;

  constructor(state: State, document: Document) {
    this.#before = state;
    this.#document = document;
    this.#after = draftOf(state);
    this.#references = new References(state, this.#problems);
    this.#mappings = new Map(state.mappings.map((one) => [mappingKey(one), one]));
    this.#bindings = new Map(state.bindings.map((one) => [bindingKey(one), one]));
  }

  plan(prune: boolean): Changes {
    const { sections } = this.#document;
    const byDepth = [...sections.folders].sort((a, b) => depth(a.value.path) - depth(b.value.path));
    for (const entry of byDepth) this.#folder(entry);
    for (const entry of sections.roles) this.#role(entry);
    for (const entry of sections.identityProviders) this.#provider(entry);
    for (const entry of sections.identities) this.#identity(entry);
    for (const entry of sections.groupMappings) this.#mapping(entry);
    for (const entry of sections.bindings) this.#binding(entry);
    for (const entry of sections.accountAssociations) this.#association(entry);
    const surplus = this.#surplus();
    if (prune) {
      this.#requireEmptied(surplus);
      this.#changes.push(...surplus);
      this.#after = draftOf(without(this.#after, surplus));
    }
    if (this.#owners(this.#before) > 0 && this.#owners(this.#after) === 0) {
      this.#problems.push(
        `This would take the last owner from "${this.#before.organization.name}"; keep a binding of the role "owner" there`,
      );
    }
    refuse(this.#problems);
    return {
      changes: this.#changes,
      after: this.#after,
      unmentioned: prune ? [] : surplus.map(({ kind, label }) => `${nouns[kind]} ${label}`),
    };
  }

  // ---- one entry each ----

  #folder({ value, line }: Written<Entry<'folders'>>): void {
    const path = value.path ?? '';
    if (path === '') {
      this.#wrong(line, 'a folder needs a path');
      return;
    }
    const slash = path.lastIndexOf('/');
    const parent = this.#references.place(slash < 0 ? '' : path.slice(0, slash), line);
    if (parent === undefined) return;
    const name = path.slice(slash + 1);
    const existing = this.#existing(
      'folders',
      this.#references.foldersAt(parent, name),
      undefined,
      line,
      `folder "${path}"`,
    );
    if (existing === 'refused') return;
    const description = value.description ?? existing?.description ?? '';
    this.#put('folders', existing, {
      line,
      place: parent,
      label: path,
      thing: { ...existing, name, description },
      fields: ({ description: text = '' }) => (text === '' ? {} : { description: text }),
    });
  }

  #role({ value, line }: Written<Entry<'roles'>>): void {
    const place = this.#place(value.in, line);
    const name = this.#required(value.name, 'a role needs a name', line);
    if (place === undefined || name === undefined) return;
    const existing = this.#existing('roles', this.#references.rolesAt(place, name), value.id, line, `role "${name}"`);
    if (existing === 'refused') return;
    const capabilities = [...(value.capabilities ?? existing?.capabilities ?? [])];
    if (capabilities.length === 0) {
      this.#wrong(line, `the role "${name}" needs capabilities`);
      return;
    }
    this.#put('roles', existing, {
      line,
      place,
      label: this.#label(place, name),
      thing: { ...existing, name, description: value.description ?? existing?.description ?? '', capabilities },
      fields: roleFields,
    });
  }

  #provider({ value, line }: Written<Entry<'identityProviders'>>): void {
    const place = this.#place(value.in, line);
    const name = this.#required(value.name, 'an identity provider needs a name', line);
    if (place === undefined || name === undefined) return;
    const what = `identity provider "${name}"`;
    const existing = this.#existing(
      'identityProviders',
      this.#references.providersAt(place, name),
      value.id,
      line,
      what,
    );
    if (existing === 'refused') return;
    const role = value.defaultRole === undefined ? undefined : this.#references.role(value.defaultRole, place, line);
    const { clientSecretFrom, pkceEnabled, ...given } = value.oidc ?? {};
    if (existing === undefined && clientSecretFrom === undefined && pkceEnabled !== 'true') {
      this.#wrong(
        line,
        `${what} is new, so it needs oidc.clientSecretFrom, the name of an environment variable, or oidc.pkceEnabled`,
      );
    }
    const { clientSecret: _never, ...known } = existing?.oidc ?? {};
    this.#put('identityProviders', existing, {
      line,
      place,
      label: this.#label(place, name),
      secretFrom: existing === undefined ? clientSecretFrom : undefined,
      thing: {
        ...(existing?.id === undefined ? {} : { id: existing.id }),
        name,
        description: value.description ?? existing?.description ?? '',
        defaultRole: role?.id ?? existing?.defaultRole ?? '',
        oidc: {
          ...known,
          ...given,
          additionalScopes: [...(given.additionalScopes ?? known.additionalScopes ?? [])],
          pkceEnabled: pkceEnabled === undefined ? known.pkceEnabled === true : pkceEnabled === 'true',
        },
      },
      fields: providerFields,
    });
  }

  #identity({ value, line }: Written<Entry<'identities'>>): void {
    const place = this.#place(value.in, line);
    const name = this.#required(value.name, 'an identity needs a name', line);
    if (place === undefined || name === undefined) return;
    const existing = this.#existing(
      'identities',
      this.#references.identitiesAt(place, name),
      value.id,
      line,
      `identity "${name}"`,
    );
    if (existing === 'refused') return;
    const given = proofs.filter((proof) => value[proof] !== undefined);
    if (given.length !== 1) {
      this.#wrong(line, `the identity "${name}" needs exactly one of ${proofs.join(', ')}`);
      return;
    }
    const [proof = 'claimMatch'] = given;
    if (existing !== undefined && existing[proof] === undefined) {
      this.#wrong(
        line,
        `the identity "${name}" is proved in another way, which cannot be changed; give the new one another name`,
      );
      return;
    }
    const { createdAt: _created, updatedAt: _updated, lastSeen: _seen, ...kept } = existing ?? {};
    const { static: keys, claimMatch, awsIdentity, servicePrincipal } = value;
    this.#put('identities', existing, {
      line,
      place,
      label: this.#label(place, name),
      thing: {
        ...kept,
        name,
        description: value.description ?? existing?.description ?? '',
        ...(claimMatch === undefined ? {} : { claimMatch }),
        ...(keys === undefined ? {} : { static: { ...keys, audiences: [...(keys.audiences ?? [])] } }),
        ...(awsIdentity === undefined ? {} : { awsIdentity }),
        ...(servicePrincipal === undefined ? {} : { servicePrincipal }),
      },
      fields: identityFields,
    });
  }

  #mapping({ value, line }: Written<Entry<'groupMappings'>>): void {
    const scope = this.#place(value.in, line);
    const { provider: providerName, group, role: roleName } = value;
    if (scope === undefined) return;
    if (providerName === undefined || group === undefined || roleName === undefined) {
      this.#wrong(line, 'a group mapping needs provider, group and role');
      return;
    }
    const provider = this.#references.provider(providerName, line);
    const role = this.#references.role(roleName, scope, line);
    if (provider === undefined || role === undefined) return;
    const thing = { identityProviderUidp: provider.id ?? '', externalGroupId: group, roleUidp: role.id ?? '', scope };
    const existing = this.#mappings.get(mappingKey(thing));
    const label = `${role.name} for the group "${group}" of ${provider.name} in ${this.#references.places.nameOf(scope)}`;
    if (this.#isTwice('groupMappings', existing?.id, line, label)) return;
    this.#put('groupMappings', existing, {
      line,
      place: parentOf(provider.id ?? ''),
      label,
      thing,
      fields: () => ({}),
    });
  }

  #binding({ value, line }: Written<Entry<'bindings'>>): void {
    const place = this.#place(value.in, line);
    if (place === undefined) return;
    if ((value.user === undefined) === (value.identity === undefined)) {
      this.#wrong(line, 'a binding needs either user or identity');
      return;
    }
    const roleName = this.#required(value.role, 'a binding needs a role', line);
    if (roleName === undefined) return;
    const assumed = value.identity === undefined ? undefined : this.#references.identity(value.identity, line);
    const identity = value.user === undefined ? assumed?.id : this.#references.user(value.user, line);
    const role = this.#references.role(roleName, place, line);
    if (identity === undefined || role === undefined) return;
    const email = value.user?.includes('@') ? { email: value.user } : {};
    const thing = { ...email, group: { id: place }, identity, role };
    const existing = this.#bindings.get(bindingKey(thing));
    const who = value.user ?? this.#label(parentOf(identity), assumed?.name ?? identity);
    const label = `${role.name} for ${who} in ${this.#references.places.nameOf(place)}`;
    if (this.#isTwice('bindings', existing?.id, line, label)) return;
    this.#put('bindings', existing, { line, place, label, thing, fields: () => ({}) });
  }

  #association({ value, line }: Written<Entry<'accountAssociations'>>): void {
    const place = this.#place(value.in, line);
    if (place === undefined) return;
    const label = this.#references.places.nameOf(place);
    const existing = this.#after.associations.find(({ group }) => group === place);
    if (this.#isTwice('accountAssociations', existing?.group, line, `cloud accounts of ${label}`)) return;
    const { in: _in, ...given } = value;
    const name = value.name ?? existing?.name ?? label.slice(label.lastIndexOf('/') + 1);
    const kept = existing?.github === undefined ? {} : { github: existing.github };
    const description = value.description ?? existing?.description ?? '';
    this.#put('accountAssociations', existing, {
      line,
      place,
      label,
      thing: { ...kept, ...given, name, description, group: place },
      fields: associationFields,
    });
  }

  // ---- what the entries share ----

  /** Adds the change that makes or alters a thing, and the thing as it will be. */
  #put<S extends Section>(
    kind: S,
    existing: Things[S] | undefined,
    wanted: {
      readonly line: Line;
      readonly place: string;
      readonly label: string;
      readonly thing: Things[S];
      readonly secretFrom?: string | undefined;
      readonly fields: (thing: Things[S]) => Fields;
    },
  ): void {
    const { place, label, thing, fields, secretFrom } = wanted;
    this.#planned += 1;
    const id = existing === undefined ? `${place}/new-${this.#planned}` : idOf(existing);
    this.#kept.add(`${kind} ${id}`);
    const details = existing === undefined ? described(fields(thing)) : differences(fields(existing), fields(thing));
    if (existing !== undefined && details.length === 0) return;
    const after: Things[S] = kind === 'accountAssociations' ? thing : { ...thing, id };
    // The name of the list says what it holds.
    const list = this.#after[lists[kind]] as unknown as Things[S][];
    const at = existing === undefined ? -1 : list.indexOf(existing);
    if (at < 0) list.push(after);
    else list[at] = after;
    const action = existing === undefined ? 'create' : 'update';
    const secret = secretFrom === undefined ? {} : { secretFrom };
    this.#changes.push({ action, kind, label, details, id, place, thing: after, ...secret });
    // Later entries may name it.
    if (existing === undefined) this.#references.add(kind, after);
    if (kind === 'groupMappings')
      this.#mappings.set(mappingKey(after as IamExternalGroupRoleMapping), after as IamExternalGroupRoleMapping);
    if (kind === 'bindings')
      this.#bindings.set(bindingKey(after as IamRoleBindingListBinding), after as IamRoleBindingListBinding);
  }

  /** The one thing that an entry is about; undefined when it is new. */
  #existing<T extends { readonly id?: string }>(
    kind: Section,
    found: readonly T[],
    id: string | undefined,
    line: Line,
    what: string,
  ): T | undefined | 'refused' {
    const meant = id === undefined ? found : found.filter((one) => one.id === id);
    if (id !== undefined && meant.length === 0) {
      this.#wrong(line, `there is no ${what} with the id ${id} there`);
      return 'refused';
    }
    if (meant.length > 1) {
      this.#wrong(line, `there are ${meant.length} of the ${what} there; say which by "id"`);
      return 'refused';
    }
    const [one] = meant;
    return this.#isTwice(kind, one?.id, line, what) ? 'refused' : one;
  }

  #isTwice(kind: Section, id: string | undefined, line: Line, what: string): boolean {
    if (id === undefined || !this.#kept.has(`${kind} ${id}`)) return false;
    this.#wrong(
      line,
      `${kind === 'accountAssociations' ? '' : 'the '}${what} ${kind === 'accountAssociations' ? 'are' : 'is'} there twice`,
    );
    return true;
  }

  #place(path: string | undefined, line: Line): string | undefined {
    return this.#references.place(path ?? '', line);
  }

  #label(place: string, name: string): string {
    const path = this.#references.places.pathOf(place);
    return path === '' ? name : `${path}/${name}`;
  }

  #required(value: string | undefined, problem: string, line: Line): string | undefined {
    if (value === undefined || value === '') this.#wrong(line, problem);
    return value === '' ? undefined : value;
  }

  #wrong(line: Line, problem: string): void {
    this.#problems.push(`${line}: ${problem}`);
  }

  // ---- deleting ----

  /** Returns what is there and the files do not have, in the order in which it can go. */
  #surplus(): Change[] {
    const before = this.#before;
    const labels = new Labels(before);
    const pullTokens = new Set(before.identities.filter(isPullToken).map(({ id }) => id));
    const deletions: Change[] = [];
    const add = <S extends Section>(kind: S, thing: Things[S], place: string, label: string) => {
      const id = idOf(thing);
      if (!this.#document.mentioned.has(kind) || this.#kept.has(`${kind} ${id}`)) return;
      deletions.push({ action: 'delete', kind, label, details: [], id, place, thing });
    };
    for (const one of before.associations)
      add('accountAssociations', one, one.group ?? '', labels.places.nameOf(one.group ?? ''));
    for (const one of before.bindings) {
      // Those of pull tokens come and go with them.
      if (!pullTokens.has(one.identity)) add('bindings', one, placeOfBinding(one), labels.binding(one));
    }
    for (const one of before.mappings) add('groupMappings', one, one.scope ?? '', labels.mapping(one));
    for (const one of before.identities)
      if (!isPullToken(one)) add('identities', one, parentOf(one.id ?? ''), labels.located(one));
    for (const one of before.providers) add('identityProviders', one, parentOf(one.id ?? ''), labels.located(one));
    for (const one of before.roles) if (!isBuiltIn(one)) add('roles', one, parentOf(one.id ?? ''), labels.located(one));
    const deepest = [...before.folders].sort((a, b) => depth(b.id) - depth(a.id));
    for (const one of deepest) add('folders', one, parentOf(one.id ?? ''), labels.folder(one));
    return deletions;
  }

  /** A folder goes only when nothing is in it, so what would stay there is told before anything else is deleted. */
  #requireEmptied(surplus: readonly Change[]): void {
    const folders = new Map(surplus.filter(({ kind }) => kind === 'folders').map(({ id, label }) => [id, label]));
    const goes = new Set(surplus.map(({ kind, id }) => `${kind} ${id}`));
    const labels = new Labels(this.#after);
    const look = <S extends Section>(kind: S, things: readonly Things[S][], labelOf: (thing: Things[S]) => string) => {
      for (const thing of things) {
        const key = `${kind} ${idOf(thing)}`;
        const folder = folders.get(parentOf(idOf(thing)));
        if (folder === undefined || goes.has(key)) continue;
        const why = this.#kept.has(key)
          ? 'the files have it; put the folder into their section "folders"'
          : this.#document.mentioned.has(kind)
            ? 'pull tokens are no part of files; delete it first with `chainctl auth pull-token delete`'
            : `the files have no section "${kind}"; write \`${kind}: []\` to delete it too`;
        this.#problems.push(
          `The folder "${folder}" would be deleted with the ${nouns[kind]} "${labelOf(thing)}" still in it: ${why}`,
        );
      }
    };
    look('folders', this.#after.folders, (one) => labels.folder(one));
    look('roles', this.#after.roles, (one) => labels.located(one));
    look('identityProviders', this.#after.providers, (one) => labels.located(one));
    look('identities', this.#after.identities, (one) => labels.located(one));
  }

  #owners({ bindings, organization, roles }: State): number {
    const owner = roles.find((role) => isBuiltIn(role) && role.name === 'owner')?.id;
    return bindings.filter(
      (one) => placeOfBinding(one) === organization.id && one.role?.id === owner && isRoot(one.identity ?? ''),
    ).length;
  }
}

const isPullToken = (identity: IamIdentity) => typeOf(identity) === 'pull_token';

const depth = (path = '') => path.split('/').length;

const mappingKey = (one: IamExternalGroupRoleMapping) =>
  [one.scope, one.identityProviderUidp, one.roleUidp, one.externalGroupId].join(' ');

const bindingKey = (one: IamRoleBindingListBinding) => [placeOfBinding(one), one.identity, one.role?.id].join(' ');
