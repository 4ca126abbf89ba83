// Docker's own configuration file. Guarantees: every other key, the order, the layout, the permissions and a symbolic
// link stay; a file that is not JSON is named and not touched; two writers of ours take turns.

import { join, resolve } from 'node:path';
import type { Node } from 'jsonc-parser';
import { CliError } from '../errors.ts';
import { isDeviceOrPipe, readTextIfExists, replaceFile } from '../files.ts';
import type { Host } from '../host.ts';
import { isObject, memberOf } from '../json.ts';
import { withLock } from '../lock.ts';
import { keepInStore } from './credential-store.ts';

export interface DockerConfigChange {
  /** The file. */
  readonly path: string;
  /** False when it said so already. */
  readonly changed: boolean;
}

export interface DockerLogin extends DockerConfigChange {
  /** Other credentials of the registry were there before. */
  readonly replaced: boolean;
  /** The credential store that took them; undefined when they lie in the file. */
  readonly store: string | undefined;
}

/** `config.json` in `$DOCKER_CONFIG`, or else in `~/.docker`. */
export function dockerConfigPath(host: Host): string {
  const folder = host.env['DOCKER_CONFIG'];
  return join(folder ? resolve(host.cwd, folder) : join(host.home(), '.docker'), 'config.json');
}

/** Throws kind `local` when the file is there and could not be changed because it is not what Docker writes. */
export function checkDockerConfig(host: Host): void {
  readObject(dockerConfigPath(host));
}

function readObject(path: string): JsonObject {
  const text = read(path);
  return text === undefined || text.trim() === '' ? {} : parse(path, text);
}

/**
 * Makes Docker ask `docker-credential-<helper>` for the registry's credentials. `registry` is a host, with its port.
 */
export async function setCredHelper(
  host: Host,
  registry: string,
  helper: string,
  signal?: AbortSignal,
): Promise<DockerConfigChange> {
  return change(host, signal, async (file) => {
    if (memberOf(file.value['credHelpers'], registry) !== helper) file.set('credHelpers', registry, helper);
  });
}

/**
 * Stores a login as `docker login` does: in the file, or with the credential store that the file names. A helper for
 * that registry alone would win over it and is taken out (protocols 7.3).
 */
export async function setAuth(
  host: Host,
  registry: string,
  user: string,
  password: string,
  signal?: AbortSignal,
): Promise<DockerLogin> {
  // The store first and without the lock: its question may stand for minutes, and others write the file meanwhile.
  const store = storeIn(readObject(dockerConfigPath(host)));
  const credentials = { ServerURL: registry, Username: user, Secret: password };
  const undo = store === undefined ? undefined : await keepInStore(host, store, credentials);
  let replaced = false;
  try {
    const result = await change(host, signal, async (file) => {
      if (storeIn(file.value) !== store) throw otherStore(dockerConfigPath(host));
      const before = memberOf(file.value['auths'], registry);
      replaced = store === undefined ? isObject(before) && Object.keys(before).length > 0 : before !== undefined;
      const auth = Buffer.from(`${user}:${password}`).toString('base64');
      file.set('auths', registry, store === undefined ? { auth } : {});
      if (memberOf(file.value['credHelpers'], registry) !== undefined) file.remove('credHelpers', registry);
    });
    return { ...result, replaced, store };
  } catch (error) {
    // A login that the file does not lead to must not lie there for whoever looks.
    await undo?.().catch(() => false);
    throw error;
  }
}

function storeIn(file: JsonObject): string | undefined {
  const named = file['credsStore'];
  return typeof named === 'string' && named !== '' ? named : undefined;
}

function otherStore(path: string): CliError {
  return new CliError('local', `"${path}" got another credential store meanwhile, so nothing was changed`, {
    code: 'local.creds-store-changed',
    hint: 'try again',
  });
}

type JsonObject = Readonly<Record<string, unknown>>;

interface DockerFile {
  /** Content before the change. */
  readonly value: JsonObject;
  /** Sets one member of a group (`auths`, `credHelpers`), which is made when it is missing. */
  set(group: string, name: string, value: unknown): void;
  remove(group: string, name: string): void;
}

async function change(
  host: Host,
  signal: AbortSignal | undefined,
  fn: (file: DockerFile) => Promise<void>,
): Promise<DockerConfigChange> {
  const path = dockerConfigPath(host);
  const json = await import('jsonc-parser');
  return withLock(`${path}.chainctl-lock`, { timeoutMs: 30_000, signal }, async () => {
    const before = read(path);
    let text = before === undefined || before.trim() === '' ? '{}\n' : before;
    const value = parse(path, text);
    const edit = (edited: (from: string) => string): void => {
      try {
        text = edited(text);
      } catch (error) {
        // The tree is built by recursion, which JSON.parse does not need.
        throw error instanceof RangeError ? corrupt(path, 'is nested too deeply', error) : error;
      }
    };
    await fn({
      value,
      set: (group, name, what) => edit((from) => setMember(json, from, group, name, what)),
      remove: (group, name) => edit((from) => json.applyEdits(from, json.modify(from, [group, name], undefined, {}))),
    });
    if (text === before || (before === undefined && text === '{}\n')) return { path, changed: false };
    replaceFile(path, text, { mode: 0o600, keepMode: true, followSymlink: true });
    return { path, changed: true };
  });
}

function read(path: string): string | undefined {
  // Reading a pipe would wait for whoever writes to it.
  if (isDeviceOrPipe(path)) throw corrupt(path, 'is not a plain file');
  return readTextIfExists(path);
}

function parse(path: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, 'is not valid JSON', error);
  }
  if (!isObject(value)) throw corrupt(path, 'does not hold an object');
  for (const key of ['auths', 'credHelpers']) {
    const part = value[key];
    if (part !== undefined && part !== null && !isObject(part)) throw corrupt(path, `has "${key}" that is no object`);
  }
  return value;
}

function corrupt(path: string, reason: string, cause?: unknown): CliError {
  return new CliError('local', `"${path}" ${reason}, so nothing was changed`, {
    code: 'local.corrupt-docker-config',
    hint: 'repair the file, or move it away, and try again',
    ...(cause === undefined ? {} : { cause }),
  });
}

type Json = typeof import('jsonc-parser');

// Not the parser's own formatter: it lays out the neighbours of what it inserts as well.
function setMember(json: Json, text: string, group: string, name: string, value: unknown): string {
  const layout = layoutOf(text);
  const root = json.parseTree(text);
  if (root === undefined) return text;
  const groupNode = json.findNodeAtLocation(root, [group]);
  const node = json.findNodeAtLocation(root, [group, name]);
  if (node !== undefined) return splice(text, node, layout.write(value, 2));
  if (groupNode?.type === 'object') return insert(text, groupNode, layout, 2, name, value);
  // A group that is null is as good as none.
  if (groupNode !== undefined) return splice(text, groupNode, layout.write({ [name]: value }, 1));
  return insert(text, root, layout, 1, group, { [name]: value });
}

function insert(text: string, into: Node, layout: Layout, depth: number, name: string, value: unknown): string {
  const property = `${layout.lineAt(depth)}${JSON.stringify(name)}:${layout.space}${layout.write(value, depth)}`;
  const last = into.children?.at(-1);
  if (last === undefined) return splice(text, into, `{${property}${layout.lineAt(depth - 1)}}`);
  const end = last.offset + last.length;
  return `${text.slice(0, end)},${property}${text.slice(end)}`;
}

function splice(text: string, node: Node, replacement: string): string {
  return text.slice(0, node.offset) + replacement + text.slice(node.offset + node.length);
}

interface Layout {
  /** A new line, indented for this depth; nothing in a file of one line. */
  lineAt(depth: number): string;
  readonly space: string;
  write(value: unknown, depth: number): string;
}

/** The file's own layout: its indentation, its line ends, or one line without either. */
function layoutOf(text: string): Layout {
  const indent = /\n([ \t]+)"/.exec(text)?.[1];
  if (indent === undefined && /"/.test(text)) {
    return { lineAt: () => '', space: /":\s/.test(text) ? ' ' : '', write: (value) => JSON.stringify(value) };
  }
  // Docker itself indents with tabs.
  const unit = indent ?? '\t';
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const lineAt = (depth: number) => `${lineEnd}${unit.repeat(depth)}`;
  const write = (value: unknown, depth: number) => JSON.stringify(value, null, unit).replaceAll('\n', lineAt(depth));
  return { lineAt, space: ' ', write };
}
