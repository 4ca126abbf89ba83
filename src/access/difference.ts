// Computes who gains and who loses what, from the grants before and after a change. Guarantees: no input or output;
// equal to asking about every identity, capability and place before and after, for all places given.

import { ancestry, parentOf } from '../api/uidp.ts';
import { type Facts, type Grant, grantsIn } from './grants.ts';

/** Somebody whose access changes, or a condition under which somebody would have it. */
export interface AccessChange {
  readonly direction: 'gains' | 'loses';
  /** Id of the identity; empty where a condition says who. */
  readonly identity: string;
  readonly who: string;
  /** It holds once the condition is met: a group, a first sign-in, an accepted invite. */
  readonly isConditional: boolean;
  /** Sorted. */
  readonly capabilities: readonly string[];
  /** Outermost first. */
  readonly areas: readonly Area[];
}

/** A place with everything below it, but for what is excepted. */
export interface Area {
  readonly place: string;
  readonly except: readonly string[];
}

/** `places`: ids of the organization and of every folder before or after the change. */
export function accessChanges(before: Facts, after: Facts, places: readonly string[]): AccessChange[] {
  const tree = treeOf(places);
  const [old, fresh] = [holdersIn(before), holdersIn(after)];
  const changes: AccessChange[] = [];
  for (const key of new Set([...old.keys(), ...fresh.keys()])) {
    const [had, has] = [old.get(key), fresh.get(key)];
    const holder = has ?? had;
    if (holder === undefined || (had !== undefined && has !== undefined && had.signature() === has.signature()))
      continue;
    const { identity, who, isConditional } = holder;
    // Most capabilities of a role change at the same places, so the tree is walked once for all of them.
    const alike = new Map<string, string[]>();
    for (const capability of new Set([...(had?.capabilities() ?? []), ...(has?.capabilities() ?? [])])) {
      const signature = `${had?.placesOf(capability) ?? ''}\n${has?.placesOf(capability) ?? ''}`;
      alike.set(signature, [...(alike.get(signature) ?? []), capability]);
    }
    const areas = new Map<
      string,
      { readonly direction: AccessChange['direction']; readonly areas: Area[]; names: string[] }
    >();
    for (const [signature, names] of alike) {
      const [from = '', to = ''] = signature.split('\n');
      if (from === to) continue;
      const [covered, covers] = [coverage(from, tree), coverage(to, tree)];
      for (const direction of ['gains', 'loses'] as const) {
        const differs = (place: string) =>
          direction === 'gains' ? covers.has(place) && !covered.has(place) : covered.has(place) && !covers.has(place);
        const found = areasWhere(tree, differs);
        if (found.length === 0) continue;
        const group = `${direction} ${JSON.stringify(found)}`;
        const known = areas.get(group) ?? { direction, areas: found, names: [] };
        areas.set(group, { ...known, names: [...known.names, ...names] });
      }
    }
    for (const { direction, areas: found, names } of areas.values()) {
      changes.push({ direction, identity, who, isConditional, capabilities: names.sort(), areas: found });
    }
  }
  return changes.sort((a, b) => compare(sortKey(a), sortKey(b)));
}

const sortKey = ({ who, direction, areas }: AccessChange) => `${who}\u0000${direction}\u0000${areas[0]?.place ?? ''}`;
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Grants of one identity or condition, by place. */
class Holder {
  readonly identity: string;
  readonly who: string;
  readonly isConditional: boolean;
  readonly #grants: Grant[] = [];

  constructor({ identity, who, through }: Grant) {
    this.identity = identity;
    this.who = who;
    this.isConditional = through !== 'binding';
  }

  add(grant: Grant): void {
    this.#grants.push(grant);
  }

  /** Equal for two holders only when nothing differs. Roles are compared by what they allow. */
  signature(): string {
    return this.#grants
      .map(({ place, role }) => `${place} ${[...(role.capabilities ?? [])].sort().join()}`)
      .sort()
      .join('\n');
  }

  capabilities(): Set<string> {
    return new Set(this.#grants.flatMap(({ role }) => role.capabilities ?? []));
  }

  /** Sorted, one blank between them. */
  placesOf(capability: string): string {
    const places = this.#grants.filter(({ role }) => role.capabilities?.includes(capability)).map(({ place }) => place);
    return [...new Set(places)].sort().join(' ');
  }
}

function holdersIn(facts: Facts): Map<string, Holder> {
  const holders = new Map<string, Holder>();
  for (const grant of grantsIn(facts)) {
    if (grant.endedAt !== undefined) continue;
    const key = grant.through === 'binding' ? grant.identity : `${grant.through} ${grant.who}`;
    const holder = holders.get(key) ?? new Holder(grant);
    holder.add(grant);
    holders.set(key, holder);
  }
  return holders;
}

interface Tree {
  readonly roots: readonly string[];
  readonly below: ReadonlyMap<string, readonly string[]>;
  readonly all: readonly string[];
}

function treeOf(places: readonly string[]): Tree {
  const all = [...new Set(places)].sort();
  const known = new Set(all);
  const below = new Map<string, string[]>();
  for (const place of all) {
    const parent = parentOf(place);
    if (known.has(parent)) below.set(parent, [...(below.get(parent) ?? []), place]);
  }
  return { roots: all.filter((place) => !known.has(parentOf(place))), below, all };
}

/** Every place of the tree at or below one of these. */
function coverage(places: string, { all }: Tree): Set<string> {
  const granted = new Set(places.split(' '));
  return new Set(all.filter((place) => ancestry(place).some((one) => granted.has(one))));
}

/** The fewest areas that hold exactly the places for which it is so. */
function areasWhere({ roots, below }: Tree, isSo: (place: string) => boolean): Area[] {
  const areas: Area[] = [];
  const children = (place: string) => below.get(place) ?? [];
  const look = (place: string): void => {
    if (!isSo(place)) {
      for (const child of children(place)) look(child);
      return;
    }
    const except: string[] = [];
    const walk = (one: string): void => {
      for (const child of children(one)) {
        if (isSo(child)) walk(child);
        else except.push(child);
      }
    };
    walk(place);
    areas.push({ place, except });
    for (const one of except) for (const child of children(one)) look(child);
  };
  for (const root of roots) look(root);
  return areas;
}
