import { identityOf, type Package } from './sbom.ts';

export interface PackageEntry {
  readonly name: string;
  /** Package URL. */
  readonly reference: string;
}

export interface PackageChange {
  readonly name: string;
  readonly previous: { readonly version: string; readonly reference: string };
  readonly current: { readonly version: string; readonly reference: string };
}

/** Lists that would be empty are not there (outputs.md, images diff). */
export interface PackageDiff {
  readonly added?: readonly PackageEntry[];
  readonly removed?: readonly PackageEntry[];
  readonly changed?: readonly PackageChange[];
}

/** Packages matched by package URL without version; of several with the same one the first counts. `-` is every type. */
export function diffPackages(
  before: readonly Package[],
  after: readonly Package[],
  types: readonly string[],
): PackageDiff {
  const from = byIdentity(before, types);
  const to = byIdentity(after, types);
  const added = [...to].filter(([key]) => !from.has(key)).map(([, one]) => toEntry(one));
  const removed = [...from].filter(([key]) => !to.has(key)).map(([, one]) => toEntry(one));
  const changed = [...to].flatMap(([key, current]) => {
    const previous = from.get(key);
    if (previous === undefined || previous.version === current.version) return [];
    return [{ name: current.name, previous: toVersion(previous), current: toVersion(current) }];
  });
  return withoutEmpty({ added: added.sort(byName), removed: removed.sort(byName), changed: changed.sort(byName) });
}

export function withoutEmpty<T extends Readonly<Record<string, readonly unknown[]>>>(lists: T): Partial<T> {
  // The entries are those of the object itself, less some.
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)) as Partial<T>;
}

function byIdentity(packages: readonly Package[], types: readonly string[]): Map<string, Package> {
  const found = new Map<string, Package>();
  for (const one of packages) {
    if (!types.includes('-') && !types.includes(one.type)) continue;
    const key = identityOf(one.purl);
    if (!found.has(key)) found.set(key, one);
  }
  return found;
}

const toEntry = ({ name, purl }: Package): PackageEntry => ({ name, reference: purl });
const toVersion = ({ version, purl }: Package) => ({ version, reference: purl });
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** One change as a row of a table. */
export interface DiffRow {
  readonly change: 'added' | 'removed' | 'changed';
  readonly kind: 'package' | 'vulnerability';
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export const rowsOf = (diff: PackageDiff): readonly DiffRow[] => [
  ...(diff.added ?? []).map(({ name, reference }) => row('added', name, '', versionIn(reference))),
  ...(diff.removed ?? []).map(({ name, reference }) => row('removed', name, versionIn(reference), '')),
  ...(diff.changed ?? []).map(({ name, previous, current }) => row('changed', name, previous.version, current.version)),
];

const row = (change: DiffRow['change'], name: string, from: string, to: string): DiffRow => ({
  ...{ change, name, from, to },
  kind: 'package',
});

function versionIn(purl: string): string {
  const version = /@([^/?#]*)(?:[?#].*)?$/.exec(purl)?.[1] ?? '';
  try {
    return decodeURIComponent(version);
  } catch {
    return version;
  }
}
