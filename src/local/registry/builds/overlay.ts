// Applies an overlay to an image (semantics 2, custom overlay): the files of one more layer and a changed config.
// Guarantees: pure; whatever cannot be done is a BuildError that its author understands.

import { X509Certificate } from 'node:crypto';
import type { RegistryApkoConfig, RegistryCustomOverlay } from '../../../api/schema/types/registry.gen.ts';
import { compareApkVersions } from '../apk-version.ts';
import type { ImageConfigDocument } from '../image-documents.ts';
import type { InstalledPackage } from '../sbom.ts';
import { apkDatabasePaths, formatApkDatabase, parseApkDatabase } from './apk-database.ts';
import { BuildError } from './build-log.ts';
import type { LayerFile } from './layer.ts';

/** Files of the base image that an overlay may add to. */
export const changedFiles: ReadonlySet<string> = new Set([
  'etc/passwd',
  'etc/group',
  'etc/ssl/certs/ca-certificates.crt',
  ...apkDatabasePaths,
]);

export interface OverlayInput {
  readonly overlay: RegistryCustomOverlay;
  /** Texts of `changedFiles` that the base image has. */
  readonly files: ReadonlyMap<string, string>;
  /** apk's word, `x86_64`. */
  readonly architecture: string;
  readonly catalog: ReadonlyMap<string, Omit<InstalledPackage, 'architecture'>>;
}

export interface OverlayResult {
  /** Empty when the overlay changes the config alone. */
  readonly files: readonly LayerFile[];
  readonly packages: readonly InstalledPackage[];
  /** Packages that were asked for, with versions, `curl=8.1-r0`. */
  readonly locked: readonly string[];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

export function applyOverlay(input: OverlayInput): OverlayResult {
  const { overlay } = input;
  const files: LayerFile[] = [];
  const notes: string[] = [];
  const warnings: string[] = [];
  const { packages, added, locked } = installPackages(input, notes);
  if (added.length > 0) {
    const path = apkDatabasePaths.find((candidate) => input.files.has(candidate)) ?? apkDatabasePaths[0];
    files.push({ path, text: formatApkDatabase(packages) });
    for (const { name, version, architecture } of added) {
      files.push({ path: `usr/share/${name}/build.txt`, text: `${name} ${version} for ${architecture}\n` });
    }
  }
  files.push(...accountFiles(input));
  files.push(...certificateFiles(input, notes));
  if ((overlay.certificates?.providers ?? []).length > 0) {
    warnings.push('certificate providers are not known to this platform and were left out');
  }
  const repositories = overlay.contents?.runtimeRepositories ?? [];
  if (repositories.length > 0) files.push({ path: 'etc/apk/repositories', text: `${repositories.join('\n')}\n` });
  for (const { name = '', content = '' } of overlay.contents?.runtimeKeyring ?? []) {
    files.push({ path: `etc/apk/keys/${name}`, text: withNewline(content) });
  }
  return { files, packages, locked, notes, warnings };
}

/** The config of the customized image. `created` is RFC 3339; `layer` the digest of the new layer, unpacked. */
export function customConfig(
  base: ImageConfigDocument & Readonly<Record<string, unknown>>,
  overlay: RegistryCustomOverlay,
  created: string,
  layer: string | undefined,
): Record<string, unknown> {
  const environment = new Map((base.config?.Env ?? []).map((entry) => [entry.split('=', 1)[0] ?? '', entry]));
  for (const [name, value] of Object.entries(overlay.environment ?? {})) environment.set(name, `${name}=${value}`);
  const runAs = overlay.accounts?.runAs;
  const rootfs = base['rootfs'] as { diff_ids?: string[] } | undefined;
  const history = Array.isArray(base['history']) ? base['history'] : [];
  const step = { created, created_by: 'chainctl local platform', comment: 'custom overlay' };
  return {
    ...base,
    created,
    config: {
      ...base.config,
      ...(environment.size === 0 ? {} : { Env: [...environment.values()] }),
      ...(runAs === undefined || runAs === '' ? {} : { User: runAs }),
    },
    rootfs: { type: 'layers', diff_ids: [...(rootfs?.diff_ids ?? []), ...(layer === undefined ? [] : [layer])] },
    history: [...history, layer === undefined ? { ...step, empty_layer: true } : step],
  };
}

/** Returns what was asked for, in the form build reports show it. */
export function toApkoConfig(
  overlay: RegistryCustomOverlay,
  packages: readonly string[],
  architectures: readonly string[],
): RegistryApkoConfig {
  const { contents, environment, annotations, accounts, certificates } = overlay;
  return {
    contents: {
      packages: [...packages],
      ...(contents?.runtimeRepositories === undefined ? {} : { runtimeRepositories: contents.runtimeRepositories }),
      ...(contents?.runtimeKeyring === undefined
        ? {}
        : { keyring: contents.runtimeKeyring.map(({ name = '' }) => name) }),
    },
    ...(environment === undefined ? {} : { environment }),
    ...(accounts === undefined ? {} : { accounts }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(certificates === undefined ? {} : { certificates }),
    archs: [...architectures],
  };
}

function installPackages(
  { overlay, files, architecture, catalog }: OverlayInput,
  notes: string[],
): { packages: InstalledPackage[]; added: InstalledPackage[]; locked: string[] } {
  const database = apkDatabasePaths.flatMap((path) => files.get(path) ?? [])[0];
  const packages = new Map(parseApkDatabase(database ?? '').map((entry) => [entry.name, entry]));
  const added: InstalledPackage[] = [];
  const locked: string[] = [];
  for (const wish of overlay.contents?.packages ?? []) {
    const [, name = wish, operator = '', version = ''] = /^([^~=<>]+)([~=<>]{1,2})?(.*)$/.exec(wish) ?? [];
    const installed = packages.get(name);
    const offered = catalog.get(name);
    const chosen = [installed, offered && { ...offered, architecture }].find(
      (candidate) => candidate !== undefined && satisfies(candidate.version, operator, version),
    );
    if (chosen === undefined) {
      if (offered === undefined && installed === undefined) {
        throw new BuildError(`package "${name}" is not in the catalog of this platform`);
      }
      throw new BuildError(`package "${wish}" cannot be had: there is ${offered?.version ?? installed?.version}`);
    }
    locked.push(`${name}=${chosen.version}`);
    if (chosen === installed) notes.push(`${name} ${chosen.version} is installed already`);
    else {
      notes.push(`installing ${name} ${chosen.version}`);
      packages.set(name, chosen);
      added.push(chosen);
    }
  }
  return { packages: [...packages.values()], added, locked };
}

function satisfies(version: string, operator: string, wanted: string): boolean {
  const order = compareApkVersions(version, wanted);
  switch (operator) {
    case '':
      return true;
    case '=':
      return version === wanted;
    case '~':
    case '~=':
    case '=~':
      return version === wanted || version.startsWith(`${wanted}.`) || version.startsWith(`${wanted}-`);
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
    default:
      return false;
  }
}

function accountFiles({ overlay, files }: OverlayInput): LayerFile[] {
  const { users = [], groups = [] } = overlay.accounts ?? {};
  if (users.length === 0 && groups.length === 0) return [];
  const groupIds = new Map(linesOf(files.get('etc/group')).map(([name = '', , id = '']) => [name, Number(id)]));
  const groupLines = groups.map(({ groupName = '', gid = 0, members = [] }) => {
    if (groupIds.has(groupName)) throw new BuildError(`the image has a group "${groupName}" already`);
    groupIds.set(groupName, gid);
    return `${groupName}:x:${gid}:${members.join(',')}\n`;
  });
  const known = linesOf(files.get('etc/passwd'));
  const names = new Set(known.map(([name]) => name));
  const ids = new Set(known.map(([, , id]) => Number(id)));
  const userLines = users.map((user) => {
    const { userName = '', uid = 0, shell = '/bin/sh', homeDir = `/home/${userName}` } = user;
    if (names.has(userName)) throw new BuildError(`the image has a user "${userName}" already`);
    if (ids.has(uid)) throw new BuildError(`the image has a user with the id ${uid} already`);
    if (/[:\n]/.test(`${shell}${homeDir}`))
      throw new BuildError(`shell and home of "${userName}" must not hold colons`);
    names.add(userName);
    ids.add(uid);
    const gid = user.gid ?? (user.groupName === undefined ? uid : groupIds.get(user.groupName));
    if (gid === undefined)
      throw new BuildError(`user "${userName}" names a group "${user.groupName}" that is not there`);
    return `${userName}:x:${uid}:${gid}:${userName}:${homeDir}:${shell}\n`;
  });
  const result: LayerFile[] = [];
  if (groupLines.length > 0) {
    result.push({ path: 'etc/group', text: `${withNewline(files.get('etc/group') ?? '')}${groupLines.join('')}` });
  }
  if (userLines.length > 0) {
    result.push({ path: 'etc/passwd', text: `${withNewline(files.get('etc/passwd') ?? '')}${userLines.join('')}` });
  }
  return result;
}

function certificateFiles({ overlay, files }: OverlayInput, notes: string[]): LayerFile[] {
  const additional = overlay.certificates?.additional ?? [];
  if (additional.length === 0) return [];
  const bundle = 'etc/ssl/certs/ca-certificates.crt';
  const texts = additional.map(({ name = '', content = '' }) => {
    try {
      for (const [pem] of content.matchAll(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)) {
        notes.push(`trusting ${new X509Certificate(pem).subject.replaceAll('\n', ', ')}`);
      }
    } catch {
      throw new BuildError(`certificate "${name}" cannot be read`);
    }
    return {
      path: `usr/local/share/ca-certificates/${/\.(?:crt|pem)$/.test(name) ? name : `${name}.crt`}`,
      text: withNewline(content),
    };
  });
  const whole = `${withNewline(files.get(bundle) ?? '')}${texts.map(({ text }) => text).join('')}`;
  return [...texts, { path: bundle, text: whole }];
}

function linesOf(text: string | undefined): string[][] {
  return (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'));
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
