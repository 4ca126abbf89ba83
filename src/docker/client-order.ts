// Finds where Docker, podman, skopeo and crane look for the credentials of an image, and in which order. Each reads the
// same kind of file and takes another one first. Guarantees: files are only read, no helper is started and no secret is
// returned; the real clients are the judges in test/e2e/doctor-clients.test.ts.

import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { asObject } from '../json.ts';
import { dockerConfigPath } from './docker-config.ts';

export const clients = ['docker', 'podman', 'skopeo', 'crane'] as const;
export type Client = (typeof clients)[number];

/** A place that has something to say about the credentials of an image. */
export interface CredentialPlace {
  readonly path: string;
  /** In the file, as JSON paths are written: `credHelpers["cgr.dev"]`. */
  readonly key: string;
  /** The program that is asked, without `docker-credential-`; undefined when the credentials stand in the file. */
  readonly helper: string | undefined;
}

/** Credentials that a client finds for an image. */
export interface CredentialOrder {
  /** The files it reads, in its order, whether they are there or not. */
  readonly files: readonly string[];
  /** The first decides. A further one is asked when a helper before it answers that it has nothing. */
  readonly places: readonly CredentialPlace[];
}

/** An image, as far as credentials go. */
export interface ImagePlace {
  /** A host, with its port. */
  readonly registry: string;
  /** May be empty: then only what holds for the whole registry counts. */
  readonly repository: string;
}

/** `version` is what the client says of itself; a client that says nothing is taken for a new one. */
export function credentialOrder(
  client: Client,
  host: Host,
  { registry, repository }: ImagePlace,
  version = '',
): CredentialOrder {
  const files = filesOf(client, host, version);
  const name = repository === '' ? registry : `${registry}/${repository}`;
  const places = files.flatMap((path) => {
    const file = read(path);
    if (client === 'podman' || client === 'skopeo') return ofContainers(path, file, registry, name);
    // crane asks for the repository by its whole name before it asks for the registry; Docker knows registries only.
    const names = client === 'crane' ? [name, registry] : [registry];
    return names.flatMap((one) => ofDocker(path, file, one)).slice(0, 1);
  });
  return { files, places: places.filter(({ path, key }, at) => at === firstOf(places, path, key)) };
}

const firstOf = (places: readonly CredentialPlace[], path: string, key: string) =>
  places.findIndex((one) => one.path === path && one.key === key);

/** From these versions on a file that is named is the only one that is read; before, it is the first one. */
const readsOnlyNamed = { podman: [4, 4], skopeo: [1, 11] } as const;

function filesOf(client: Client, host: Host, version: string): string[] {
  const { REGISTRY_AUTH_FILE: named, DOCKER_CONFIG: dockerFolder, XDG_CONFIG_HOME: config } = host.env;
  const namedPath = named ? [resolve(host.cwd, named)] : [];
  const oldest = join(host.home(), '.dockercfg');
  let first: string[] = [];
  switch (client) {
    case 'docker':
      return [existsSync(dockerConfigPath(host)) ? dockerConfigPath(host) : oldest];
    case 'crane': {
      // Docker's file where either place has one, and else podman's.
      const has = existsSync(join(host.home(), '.docker', 'config.json')) || existsSync(dockerConfigPath(host));
      if (has) return [dockerConfigPath(host)];
      const [other] = [...namedPath.filter((path) => existsSync(path)), ...runtimeFile(host)];
      return [other ?? dockerConfigPath(host)];
    }
    case 'podman':
      // To podman, and not to skopeo, the folder of Docker's file names that file.
      first = named || !dockerFolder ? namedPath : [dockerConfigPath(host)];
      break;
    case 'skopeo':
      first = namedPath;
  }
  if (first.length > 0 && isFrom(version, readsOnlyNamed[client])) return first;
  return [
    ...(first.length > 0 ? first : runtimeFile(host)),
    join(config || join(host.home(), '.config'), 'containers', 'auth.json'),
    dockerConfigPath(host),
    oldest,
  ];
}

function isFrom(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, one, two] = /(\d+)\.(\d+)/.exec(version) ?? [];
  if (one === undefined) return true;
  return Number(one) > major || (Number(one) === major && Number(two) >= minor);
}

/** Returns where podman and skopeo keep logins until the machine starts again (containers-auth.json(5)). */
function runtimeFile({ env, platform }: Host): string[] {
  if (platform !== 'linux') return [];
  if (env['XDG_RUNTIME_DIR']) return [join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json')];
  try {
    return [`/run/containers/${userInfo().uid}/auth.json`];
  } catch {
    // A user of a container without a name.
    return [];
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

/** A file that cannot be read or parsed says nothing here: the check of files names it. */
function read(path: string): JsonObject {
  try {
    return asObject(JSON.parse(readTextIfExists(path) ?? '{}'));
  } catch {
    return {};
  }
}

function ofDocker(path: string, content: JsonObject, name: string): CredentialPlace[] {
  const file = isOldest(path) ? { auths: content } : content;
  const helper = textIn(asObject(file['credHelpers']), name);
  if (helper !== undefined) return [{ path, key: `credHelpers[${JSON.stringify(name)}]`, helper }];
  const store = textIn(file, 'credsStore');
  if (store !== undefined) return [{ path, key: 'credsStore', helper: store }];
  const auths = asObject(file['auths']);
  // Spelled exactly, or else any entry of the same host: Docker cuts off what follows it, podman's repositories
  // included.
  const key = Object.hasOwn(auths, name) ? name : Object.keys(auths).find((one) => hostOf(one) === name);
  return key === undefined || isEmpty(auths[key]) ? [] : [inAuths(path, key)];
}

/** The file of Docker before 1.7, which is nothing but entries. */
const isOldest = (path: string): boolean => basename(path) === '.dockercfg';

function ofContainers(path: string, file: JsonObject, registry: string, name: string): CredentialPlace[] {
  const helper = isOldest(path) ? undefined : textIn(asObject(file['credHelpers']), registry);
  if (helper !== undefined) return [{ path, key: `credHelpers[${JSON.stringify(registry)}]`, helper }];
  const auths = asObject(isOldest(path) ? file : file['auths']);
  for (const one of isOldest(path) ? [registry] : namesAbove(name)) {
    if (Object.hasOwn(auths, one)) return [inAuths(path, one)];
  }
  // Then as Docker spells them.
  const key = Object.keys(auths).find((one) => hostOf(one) === registry && /^https?:\/\//.test(one));
  return key === undefined ? [] : [inAuths(path, key)];
}

/** The repository, each location above it, and the registry. */
function namesAbove(name: string): string[] {
  const words = name.split('/');
  return words.map((_, at) => words.slice(0, words.length - at).join('/'));
}

const inAuths = (path: string, key: string): CredentialPlace => ({
  path,
  key: `auths[${JSON.stringify(key)}]`,
  helper: undefined,
});

const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').split('/')[0] ?? '';

const isEmpty = (value: unknown): boolean => Object.keys(asObject(value)).length === 0;

function textIn(group: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(group, name) ? group[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
