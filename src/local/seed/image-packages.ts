import type { InstalledPackage } from '../registry/sbom.ts';
import { basePackages, type Package, seededImages } from './image-catalog.ts';
import { versionOf } from './image-layers.ts';

/** A package this platform can put into an image, without architecture. */
export type CatalogPackage = Omit<InstalledPackage, 'architecture'>;

/** Everything the demo's images are made of, each in its newest version, by name. */
export function catalogPackages(): ReadonlyMap<string, CatalogPackage> {
  const newest = 2;
  const all: Package[] = [
    ...basePackages,
    ...seededImages.flatMap((image) => [...image.packages, ...image.variant.packages]),
  ];
  const packages = all.map((entry): [string, CatalogPackage] => [
    entry.name,
    {
      name: entry.name,
      version: versionOf(entry, newest),
      license: entry.license,
      origin: entry.origin ?? entry.name,
    },
  ]);
  return new Map(packages.sort(([a], [b]) => (a < b ? -1 : 1)));
}
