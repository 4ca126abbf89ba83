// Layers of the seeded images. Guarantees: the same input makes the same bytes on every machine and every Node, because
// digests of the demo are written into guides and tests.

import { formatApkDatabase } from '../builds/apk-database.ts';
import type { LayerFile } from '../builds/layer.ts';
import type { InstalledPackage } from '../sbom.ts';
import { basePackages, type Package, type SeededImage } from './image-catalog.ts';

export type Architecture = 'amd64' | 'arm64';

export const apkArchitectures: Readonly<Record<Architecture, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** Returns what every image of one build stands on. */
export function baseFiles(build: number, date: string): LayerFile[] {
  const certificates = basePackages.find((entry) => entry.name === 'ca-certificates-bundle');
  return [
    {
      path: 'etc/os-release',
      text: [
        'ID=wolfi',
        'NAME="Wolfi"',
        'PRETTY_NAME="Wolfi (demo content of the local platform)"',
        'VERSION_ID="20230201"',
        'HOME_URL="https://wolfi.dev"',
        '',
      ].join('\n'),
    },
    {
      path: 'etc/passwd',
      text: 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:Account:/home/nonroot:/bin/sh\n',
    },
    { path: 'etc/group', text: 'root:x:0:\nnonroot:x:65532:\n' },
    { path: 'etc/nsswitch.conf', text: 'hosts: files dns\n' },
    {
      path: 'etc/ssl/certs/ca-certificates.crt',
      text: `# Stands for the bundle of ca-certificates-bundle ${certificates && versionOf(certificates, build)}; it holds no certificate.\n`,
    },
    { path: 'usr/share/zoneinfo/UTC', text: `# Stands for tzdata as of ${date.slice(0, 10)}.\n` },
  ];
}

/** The image's own program, and the database of what is installed. */
export function programFiles(image: SeededImage, build: number, architecture: Architecture): LayerFile[] {
  const version = image.builds[build];
  const files: LayerFile[] = [
    {
      path: `usr/share/${image.package}/build.txt`,
      text: `${image.package} ${version} for ${apkArchitectures[architecture]}\n`,
    },
    {
      path: 'usr/share/doc/demo-image.txt',
      text: 'This image belongs to the demo of an embedded local platform.\nIts files show what such an image holds; its programs are placeholders.\n',
    },
    installed(installedPackages(image, build, architecture, false)),
  ];
  const program = image.entrypoint[0];
  if (program !== undefined) {
    files.push({
      path: program.slice(1),
      mode: 0o755,
      text: `#!/bin/sh\necho "${image.name} ${version} (placeholder)"\n`,
    });
  }
  if (image.packages.some((entry) => entry.name === 'example-ca')) {
    files.push({ path: 'etc/ssl/certs/example-ca.crt', text: '# Stands for the authority of example.com.\n' });
  }
  return files;
}

/** Returns what the second variant adds. */
export function variantFiles(image: SeededImage, build: number, architecture: Architecture): LayerFile[] {
  const markers = image.variant.packages.map((entry) => ({
    path: `usr/share/${entry.name}/build.txt`,
    text: `${entry.name} ${versionOf(entry, build)} for ${apkArchitectures[architecture]}\n`,
  }));
  return [...markers, installed(installedPackages(image, build, architecture, true))];
}

export function versionOf(entry: Package, build: number): string {
  return typeof entry.version === 'string' ? entry.version : (entry.version[build] ?? '');
}

/** Returns what the second variant of an image, or the first, has installed. */
export function installedPackages(
  image: SeededImage,
  build: number,
  architecture: Architecture,
  isVariant: boolean,
): InstalledPackage[] {
  const packages = [...basePackages, ...image.packages, ...(isVariant ? image.variant.packages : [])];
  return packages.map((entry) => ({
    name: entry.name,
    version: versionOf(entry, build),
    license: entry.license,
    origin: entry.origin ?? entry.name,
    architecture: apkArchitectures[architecture],
  }));
}

/** apk's database in the form of its own file, with the fields a scanner reads. */
function installed(packages: readonly InstalledPackage[]): LayerFile {
  return { path: 'usr/lib/apk/db/installed', text: formatApkDatabase(packages) };
}
