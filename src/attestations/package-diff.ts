// Compares the packages of two images. Guarantees: taking what is removed from the packages of the first, changing
// what is changed and adding what is added makes the packages of the second; the order of neither counts.

import { type PackageChange, type PackageDiff, type PackageEntry, withoutEmpty } from './diff-rows.ts';
import type { Package } from './documents.ts';
import { readPackageUrl } from './package-url.ts';

/** Compares packages of these types, or of every type with `-`. */
export function diffPackages(
  before: readonly Package[],
  after: readonly Package[],
  types: readonly string[],
): PackageDiff {
  const from = byKey(before, types);
  const to = byKey(after, types);
  const added: PackageEntry[] = [];
  const removed: PackageEntry[] = [];
  const changed: PackageChange[] = [];
  for (const key of new Set([...from.keys(), ...to.keys()])) {
    const old = more(from.get(key) ?? [], to.get(key) ?? []);
    const now = more(to.get(key) ?? [], from.get(key) ?? []);
    const isChange = isOneVersion(old) && isOneVersion(now);
    const pairs = isChange ? Math.min(old.length, now.length) : 0;
    for (let at = 0; at < pairs; at += 1) {
      const [previous, current] = [old[at], now[at]];
      if (previous !== undefined && current !== undefined) {
        changed.push({ name: current.name, previous: toVersion(previous), current: toVersion(current) });
      }
    }
    removed.push(...old.slice(pairs).map(toEntry));
    added.push(...now.slice(pairs).map(toEntry));
  }
  return withoutEmpty({
    added: added.sort(byName(({ reference }) => reference)),
    removed: removed.sort(byName(({ reference }) => reference)),
    changed: changed.sort(byName(({ current }) => current.reference)),
  });
}

function byKey(packages: readonly Package[], types: readonly string[]): Map<string, Package[]> {
  const found = new Map<string, Package[]>();
  for (const one of packages) {
    if (!types.includes('-') && !types.includes(one.type)) continue;
    const { key } = readPackageUrl(one.purl);
    const known = found.get(key);
    if (known === undefined) found.set(key, [one]);
    else known.push(one);
  }
  return found;
}

/** Returns what the first has more of, version by version. */
function more(packages: readonly Package[], others: readonly Package[]): Package[] {
  const counts = new Map<string, number>();
  for (const one of others) counts.set(versionOf(one), (counts.get(versionOf(one)) ?? 0) + 1);
  return packages.filter((one) => {
    const count = counts.get(versionOf(one)) ?? 0;
    counts.set(versionOf(one), count - 1);
    return count <= 0;
  });
}

const isOneVersion = (packages: readonly Package[]): boolean => new Set(packages.map(versionOf)).size === 1;

/** The URL's when the document names none. */
const versionOf = ({ version, purl }: Package): string => (version === '' ? readPackageUrl(purl).version : version);

const toEntry = ({ name, purl }: Package): PackageEntry => ({ name, reference: purl });
const toVersion = (one: Package) => ({ version: versionOf(one), reference: one.purl });

const byName =
  <T extends { readonly name: string }>(tieBreaker: (one: T) => string) =>
  (a: T, b: T): number =>
    compare(a.name, b.name) || compare(tieBreaker(a), tieBreaker(b));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
