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

/** One change as a row of a table. */
export interface DiffRow {
  readonly change: 'added' | 'removed' | 'changed' | 'unknown';
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

export const row = (change: DiffRow['change'], name: string, from: string, to: string): DiffRow => ({
  ...{ change, name, from, to },
  kind: 'package',
});

export function withoutEmpty<T extends Readonly<Record<string, readonly unknown[]>>>(lists: T): Partial<T> {
  // The entries are those of the object itself, less some.
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)) as Partial<T>;
}

function versionIn(purl: string): string {
  const version = /@([^/?#]*)(?:[?#].*)?$/.exec(purl)?.[1] ?? '';
  try {
    return decodeURIComponent(version);
  } catch {
    return version;
  }
}
