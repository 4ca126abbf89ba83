// A login that Docker, podman or a tool like them has stored for a repository, found as docker, crane, oras and skopeo
// find it. Guarantees: it is only read, and shown to nobody but the caller; what cannot be read is no login, because
// the registry's own refusal says more.

import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { asObject } from '../json.ts';
import { dockerConfigPath } from './docker-config.ts';

export type StoredLogin =
  | { readonly kind: 'password'; readonly user: string; readonly secret: string }
  /** A refresh token of OAuth2 for the registry's token service. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A token that the registry itself takes. */
  | { readonly kind: 'registry-token'; readonly token: string };

type JsonObject = Readonly<Record<string, unknown>>;

/** The name of a refresh token in place of a user, in what helpers answer (protocols 7.2). */
const identityTokenUser = '<token>';

/**
 * Returns the login for a repository, or undefined when none is stored. `registry` is a host, with its port. In each
 * file a helper for the registry comes before the store of all, and that before the file's own entries; of those with a
 * path the nearest wins (containers-auth.json(5)).
 */
export async function storedLogin(
  host: Host,
  registry: string,
  repository: string,
  signal: AbortSignal,
): Promise<StoredLogin | undefined> {
  for (const { path, isOldest } of filesOf(host)) {
    const content = read(path);
    const file = isOldest ? { auths: content } : content;
    const helper = bestOf(asObject(file['credHelpers']), registry, repository) ?? file['credsStore'];
    if (typeof helper === 'string' && helper !== '') {
      for (const name of namesOf(registry)) {
        const asked = await askHelper(host, helper, name, signal);
        if (asked !== undefined) return asked;
      }
    }
    const found = inFile(asObject(bestOf(asObject(file['auths']), registry, repository)));
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Docker's, then those that podman and its relatives read (containers-auth.json(5)), then the one of Docker before 1.7.
 */
function filesOf(host: Host): { readonly path: string; readonly isOldest?: true }[] {
  const { REGISTRY_AUTH_FILE: named, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: config } = host.env;
  const home = homeOf(host);
  return [
    ...(home === undefined && !host.env['DOCKER_CONFIG'] ? [] : [{ path: dockerConfigPath(host) }]),
    ...(named ? [{ path: resolve(host.cwd, named) }] : []),
    ...(runtime ? [{ path: join(runtime, 'containers', 'auth.json') }] : runtimeOf(host)),
    ...(config || home ? [{ path: join(config || join(home ?? '', '.config'), 'containers', 'auth.json') }] : []),
    ...(home ? [{ path: join(home, '.dockercfg'), isOldest: true as const }] : []),
  ];
}

/**
 * Returns where podman keeps it for whoever has no folder of a session; nowhere for a user of a container without a
 * name.
 */
function runtimeOf({ platform }: Host): { readonly path: string }[] {
  if (platform !== 'linux') return [];
  try {
    return [{ path: `/run/containers/${userInfo().uid}/auth.json` }];
  } catch {
    return [];
  }
}

/** Undefined for a user of a container who has none: then there is no file in it either. */
function homeOf(host: Host): string | undefined {
  try {
    return host.home();
  } catch {
    return undefined;
  }
}

function read(path: string): JsonObject {
  try {
    return asObject(JSON.parse(readTextIfExists(path) ?? '{}'));
  } catch {
    return {};
  }
}

/** Docker's hub goes by three names. */
const hubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

const isHub = (name: string) => hubNames.has(name);

/** Returns what helpers are asked with. Old versions of Docker wrote URLs; for its own hub it does so still. */
function namesOf(registry: string): string[] {
  if (isHub(registry)) return ['https://index.docker.io/v1/', registry];
  return [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];
}

/**
 * Returns the value whose key names the repository most closely: by the longest path, and then as it is spelled today.
 */
function bestOf(entries: JsonObject, registry: string, repository: string): unknown {
  let best: { readonly length: number; readonly isPlain: boolean; readonly value: unknown } | undefined;
  for (const [key, value] of Object.entries(entries)) {
    const { name, path } = partsOf(key);
    if (name !== registry && !(isHub(name) && isHub(registry))) continue;
    if (path !== '' && path !== repository && !repository.startsWith(`${path}/`)) continue;
    const isPlain = key === (path === '' ? registry : `${registry}/${path}`);
    const isBetter =
      best === undefined || path.length > best.length || (path.length === best.length && isPlain && !best.isPlain);
    if (isBetter) best = { length: path.length, isPlain, value };
  }
  return best?.value;
}

/**
 * A key as a host and a path in it. What follows the host in a URL, and the name of an API, is no path of a repository.
 */
function partsOf(key: string): { readonly name: string; readonly path: string } {
  const [, scheme, name = '', rest = ''] = /^(https?:\/\/)?([^/]*)\/?(.*?)\/*$/i.exec(key) ?? [];
  const isPath = scheme === undefined && rest !== 'v1' && rest !== 'v2';
  return { name: name.toLowerCase(), path: isPath ? rest : '' };
}

/** By the members that Docker's file can have for a registry, in the order in which its clients take them. */
function inFile({ auth, username, password, identitytoken, registrytoken }: JsonObject): StoredLogin | undefined {
  if (isText(identitytoken)) return { kind: 'identity-token', token: identitytoken };
  if (isText(registrytoken)) return { kind: 'registry-token', token: registrytoken };
  if (isText(auth)) {
    // Old tools padded it with zeros.
    const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const [, user, secret] = /^([^:]+):(.+)$/s.exec(text) ?? [];
    if (user !== undefined && secret !== undefined) return { kind: 'password', user, secret };
  }
  return isText(username) && isText(password) ? { kind: 'password', user: username, secret: password } : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Helper protocol: the registry on standard input, one JSON object back (protocols 7.2). */
function askHelper(
  host: Host,
  helper: string,
  registry: string,
  signal: AbortSignal,
): Promise<StoredLogin | undefined> {
  if (!/^[\w.-]+$/.test(helper)) return Promise.resolve(undefined);
  return new Promise((done, fail) => {
    const child = spawn(`docker-credential-${helper}`, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...host.env },
      timeout: 60_000,
      windowsHide: true,
      signal,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (said.length < 1_000_000) said += chunk;
    });
    child.once('error', () => (signal.aborted ? fail(signal.reason) : done(undefined)));
    child.once('close', (code) => done(code === 0 ? inAnswer(said) : undefined));
    // A helper that ends without reading is told apart by how it ends.
    child.stdin.on('error', () => {});
    child.stdin.end(registry);
  });
}

function inAnswer(text: string): StoredLogin | undefined {
  try {
    const { Username: user, Secret: secret } = asObject(JSON.parse(text));
    if (!isText(user) || !isText(secret)) return undefined;
    return user === identityTokenUser ? { kind: 'identity-token', token: secret } : { kind: 'password', user, secret };
  } catch {
    return undefined;
  }
}
