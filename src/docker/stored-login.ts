// A login that Docker or podman has stored for a registry. Guarantees: it is only read, and shown to nobody but the caller;
// what cannot be read is no login, because the registry's own refusal says more.

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { dockerConfigPath } from './docker-config.ts';

export interface StoredLogin {
  readonly user: string;
  readonly secret: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** `registry` is a host, with its port. A helper for the registry comes before the store of all, and that before the file. */
export async function storedLogin(host: Host, registry: string, signal: AbortSignal): Promise<StoredLogin | undefined> {
  for (const path of filesOf(host)) {
    const file = read(path);
    const store = file['credsStore'];
    for (const name of namesOf(registry)) {
      const helper = fields(file['credHelpers'])[name] ?? store;
      const asked =
        typeof helper === 'string' && helper !== '' ? await askHelper(host, helper, name, signal) : undefined;
      const found = asked ?? inFile(fields(fields(file['auths'])[name])['auth']);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Docker's, and then those that podman and its relatives read (containers-auth.json(5)). */
function filesOf(host: Host): string[] {
  const { REGISTRY_AUTH_FILE: named, XDG_RUNTIME_DIR: runtime } = host.env;
  return [
    dockerConfigPath(host),
    ...(named ? [resolve(host.cwd, named)] : []),
    ...(runtime ? [join(runtime, 'containers', 'auth.json')] : []),
  ];
}

function read(path: string): JsonObject {
  try {
    return fields(JSON.parse(readTextIfExists(path) ?? '{}'));
  } catch {
    return {};
  }
}

/** Old versions of Docker wrote URLs; for its own hub it does so still. */
function namesOf(registry: string): string[] {
  if (registry === 'docker.io') return ['https://index.docker.io/v1/', registry];
  return [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];
}

function inFile(auth: unknown): StoredLogin | undefined {
  if (typeof auth !== 'string') return undefined;
  const [, user, secret] = /^([^:]+):(.+)$/s.exec(Buffer.from(auth, 'base64').toString('utf8')) ?? [];
  return user === undefined || secret === undefined ? undefined : { user, secret };
}

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
    const { Username: user, Secret: secret } = fields(JSON.parse(text));
    // A refresh token of OAuth2 goes by this name, and is no password.
    if (typeof user !== 'string' || typeof secret !== 'string' || user === '<token>') return undefined;
    return { user, secret };
  } catch {
    return undefined;
  }
}

function fields(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
