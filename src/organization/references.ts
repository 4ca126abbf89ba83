// Finds what the names in a file mean, among what is there and what the file itself makes. Guarantees: no input or
// output; a name that means nothing or several things is a problem with its line, never a guess.

import type { IamGroup, IamIdentity, IamIdentityProvider, IamRole } from '../api/schema/types/iam.gen.ts';
import { isAncestorOrSelf, isUidp, parentOf, rootOf } from '../api/uidp.ts';
import { nearest } from '../suggest.ts';
import type { Line } from './document.ts';
import { isBuiltIn, Places, type State, type Things, usersOf } from './state.ts';

/** Things by a text that names them. */
class Index<T> {
  readonly #things = new Map<string, T[]>();

  add(key: string, thing: T): void {
    const known = this.#things.get(key);
    if (known === undefined) this.#things.set(key, [thing]);
    else known.push(thing);
  }

  get(key: string): readonly T[] {
    return this.#things.get(key) ?? [];
  }
}

interface Named {
  readonly id?: string;
  readonly name?: string;
}

/** Things of one kind: by id, by name, and by place and name. */
class Known<T extends Named> {
  readonly all: T[] = [];
  readonly byId = new Map<string, T>();
  readonly byName = new Index<T>();
  readonly #byPlace = new Index<T>();

  constructor(things: readonly T[]) {
    for (const one of things) this.add(one);
  }

  add(one: T): void {
    this.all.push(one);
    this.byId.set(one.id ?? '', one);
    this.byName.add(one.name ?? '', one);
    this.#byPlace.add(`${parentOf(one.id ?? '')} ${one.name}`, one);
  }

  at(place: string, name: string): readonly T[] {
    return this.#byPlace.get(`${place} ${name}`);
  }
}

export class References {
  readonly #organization: string;
  readonly #problems: string[];
  readonly places: Places;
  readonly #folders: Known<IamGroup>;
  readonly #roles: Known<IamRole>;
  readonly #providers: Known<IamIdentityProvider>;
  readonly #identities: Known<IamIdentity>;
  /** Ids of users by address. */
  readonly #users: ReadonlyMap<string, string>;
  readonly #holders: ReadonlySet<string>;

  /** `problems` receives a sentence for each name that cannot be found. */
  constructor(state: State, problems: string[]) {
    this.#organization = state.organization.id ?? '';
    this.#problems = problems;
    this.places = new Places(state);
    this.#folders = new Known(state.folders);
    this.#roles = new Known(state.roles);
    this.#providers = new Known(state.providers);
    this.#identities = new Known(state.identities);
    this.#users = new Map([...usersOf(state)].map(([id, address]) => [address, id]));
    this.#holders = new Set(state.bindings.map(({ identity = '' }) => identity));
  }

  /** Entries below can name what a file makes. */
  add<S extends keyof Things>(kind: S, thing: Things[S]): void {
    if (kind === 'folders') {
      this.#folders.add(thing as IamGroup);
      this.places.add(thing as IamGroup);
    }
    if (kind === 'roles') this.#roles.add(thing as IamRole);
    if (kind === 'identityProviders') this.#providers.add(thing as IamIdentityProvider);
    if (kind === 'identities') this.#identities.add(thing as IamIdentity);
  }

  foldersAt = (place: string, name: string): readonly IamGroup[] => this.#folders.at(place, name);
  rolesAt = (place: string, name: string): readonly IamRole[] => this.#roles.at(place, name);
  providersAt = (place: string, name: string): readonly IamIdentityProvider[] => this.#providers.at(place, name);
  identitiesAt = (place: string, name: string): readonly IamIdentity[] => this.#identities.at(place, name);

  /** Id of the place; undefined after a problem. */
  place(path: string, line: Line): string | undefined {
    if (isUidp(path)) {
      return path === this.#organization || this.#folders.byId.has(path) ? path : this.#foreign(path, line, 'place');
    }
    const found = this.places.at(path);
    if (found.length === 1) return found[0];
    if (found.length > 1) return this.#wrong(line, `several folders have the path "${path}"; write the id`);
    const known = this.#folders.all.map(({ id }) => this.places.pathOf(id ?? ''));
    return this.#missing(line, 'folder', path, known);
  }

  /** A role that can be given at the place. */
  role(name: string, place: string, line: Line): IamRole | undefined {
    const isUsable = (role: IamRole) => isBuiltIn(role) || isAncestorOrSelf(parentOf(role.id ?? ''), place);
    if (isUidp(name)) {
      const role = this.#roles.byId.get(name);
      return role !== undefined && isUsable(role) ? role : this.#foreign(name, line, 'role');
    }
    const found = this.#roles.byName.get(name).filter(isUsable);
    return this.#one(found, line, 'role', name, () => this.#roles.all.filter(isUsable));
  }

  provider(name: string, line: Line): IamIdentityProvider | undefined {
    const { byId, byName, all } = this.#providers;
    if (isUidp(name)) return byId.get(name) ?? this.#foreign(name, line, 'identity provider');
    return this.#one(byName.get(name), line, 'identity provider', name, () => all);
  }

  /** By name, by path and name (`engineering/ci`), or by id. */
  identity(name: string, line: Line): IamIdentity | undefined {
    const { byId, byName, all } = this.#identities;
    if (isUidp(name)) return byId.get(name) ?? this.#foreign(name, line, 'identity');
    const slash = name.lastIndexOf('/');
    const [place] = slash < 0 ? [] : this.places.at(name.slice(0, slash));
    const found = place === undefined ? byName.get(name) : this.#identities.at(place, name.slice(slash + 1));
    return this.#one(found, line, 'identity', name, () => all);
  }

  /** Id of a user by address, or by id where the address is not visible. Another person's address is never proposed. */
  user(address: string, line: Line): string | undefined {
    if (isUidp(address)) {
      if (this.#holders.has(address)) return address;
      return this.#wrong(line, `no one with the id ${address} holds a role in this organization`);
    }
    return (
      this.#users.get(address) ??
      this.#wrong(
        line,
        `"${address}" holds no role in this organization yet; invite them with \`chainctl iam invites create\``,
      )
    );
  }

  #foreign(id: string, line: Line, noun: string): undefined {
    return rootOf(id) === this.#organization
      ? this.#wrong(line, `there is no ${noun} with the id ${id}`)
      : this.#wrong(line, `the ${noun} ${id} is not one of this organization`);
  }

  #one<T extends Named>(
    found: readonly T[],
    line: Line,
    noun: string,
    name: string,
    known: () => readonly T[],
  ): T | undefined {
    if (found.length > 1)
      return this.#wrong(line, `"${name}" can mean ${found.length} things; write the id of the ${noun}`);
    const names = () => known().map((one) => one.name ?? '');
    return found[0] ?? this.#missing(line, noun, name, names());
  }

  #missing(line: Line, noun: string, name: string, known: readonly string[]): undefined {
    const near = nearest(name, known);
    return this.#wrong(line, `there is no ${noun} "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`);
  }

  #wrong(line: Line, problem: string): undefined {
    this.#problems.push(`${line}: ${problem}`);
    return undefined;
  }
}
