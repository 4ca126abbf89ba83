import type { InstalledPackage } from '../sbom.ts';
import { basePackages, type Package, seededImages } from './image-catalog.ts';
import { versionOf } from './image-layers.ts';

/** A package this platform can put into an image, without architecture. */
export type CatalogPackage = Omit<InstalledPackage, 'architecture'>;

/** Packages that people add to images first, and no image of the demo holds. */
const extras: readonly Package[] = [
  { name: 'curl', version: '8.16.0-r2', license: 'MIT' },
  { name: 'jq', version: '1.8.1-r2', license: 'MIT' },
  { name: 'openssh-client', version: '10.2_p1-r0', license: 'BSD-2-Clause', origin: 'openssh' },
  { name: 'postgresql-client', version: '18.0-r1', license: 'PostgreSQL', origin: 'postgresql' },
  { name: 'wget', version: '1.25.0-r3', license: 'GPL-3.0-or-later' },
];

/** Everything the demo's images are made of and what may be added, each in its newest version, by name. */
export function catalogPackages(): ReadonlyMap<string, CatalogPackage> {
  const newest = 2;
  const all: Package[] = [
    ...extras,
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
