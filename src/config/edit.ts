// Changes to the user's configuration file: one writer at a time, whole or not at all.

import { CliError } from '../errors.ts';
import { readTextIfExists, removeFile, replaceFile } from '../files.ts';
import type { Host } from '../host.ts';
import { withLock } from '../lock.ts';
import { statIfExists } from '../stats.ts';
import { type ConfigChange, changeConfigText } from './changed-document.ts';
import {
  contextsKey,
  dataDirKey,
  isContextKey,
  type NamedContext,
  production,
  type StoredContexts,
  selectedKey,
} from './contexts.ts';
import { checkConfigText, readConfigText, requireConfigKey } from './document.ts';
import type { Config } from './load.ts';
import { type ConfigLocation, folderConfigFile, legacyConfigFile, locateConfig, userConfigFile } from './paths.ts';
import { type ConfigKey, configSchema, parseValue } from './schema.ts';

export interface ConfigEdit {
  /** The file that was written. */
  readonly path: string;
  readonly changed: boolean;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** `path` is the value of `--config`. */
export interface EditOptions {
  readonly path?: string;
  /** The context that the property is for, instead of all that have none of their own. */
  readonly context?: string;
  readonly signal?: AbortSignal;
}

/** Stores one value. Throws kind `usage` for an unknown name or a value that does not fit. */
export async function setConfigValue(
  host: Host,
  name: string,
  value: string,
  options: EditOptions = {},
): Promise<ConfigEdit> {
  const key = requireConfigKey(name);
  const parsed = parseValue(key, value);
  if (!parsed.ok) {
    throw new CliError('usage', `${key} must be ${parsed.expected}, not "${value}"`, { code: 'usage.bad-value' });
  }
  return edit(host, options, [[placeOf(key, options), parsed.value]]);
}

/** Takes one key out, so that its default applies again. */
export async function unsetConfigValue(host: Host, name: string, options: EditOptions = {}): Promise<ConfigEdit> {
  return edit(host, options, [[placeOf(requireConfigKey(name), options), undefined]]);
}

function placeOf(key: ConfigKey, { context }: EditOptions): string {
  if (context === undefined) return key;
  if (isContextKey(key) && !(context === production && key.startsWith('platform.'))) {
    return `${contextsKey}.${context}.${key}`;
  }
  const reason = isContextKey(key) ? `the addresses of ${production} are fixed` : `${key} is the same in every context`;
  throw new CliError('usage', `"${context}" cannot have a value for it: ${reason}`, { code: 'usage.not-of-context' });
}

/**
 * Stores every value in force, whether it came from a flag, the environment, the file or a default, except for those that
 * are left out. What a context says stays with the context.
 */
export async function saveConfig(
  host: Host,
  config: Config,
  except: readonly ConfigKey[],
  options: EditOptions = {},
): Promise<ConfigEdit> {
  const keys = configSchema.map(({ key }) => key);
  return edit(
    host,
    options,
    keys
      .filter((key) => config.source(key) !== 'context' && !except.includes(key))
      .map((key) => [key, config.get(key)] as const),
  );
}

/** Selects a context for every command from now on. */
export function selectContext(host: Host, name: string, options: EditOptions = {}): Promise<ConfigEdit> {
  return edit(host, options, [[selectedKey, name]]);
}

/** Stores a context, or what has changed of it; values that it had and `values` has not stay. */
export function storeContext(
  host: Host,
  { name, values, dataDir }: NamedContext,
  options: EditOptions = {},
): Promise<ConfigEdit> {
  const within = `${contextsKey}.${name}`;
  return edit(host, options, [
    ...(dataDir === undefined ? [] : [[`${within}.${dataDirKey}`, dataDir] as const]),
    ...[...values].map(([key, value]) => [`${within}.${key}`, value] as const),
  ]);
}

/** Takes a context out; when it was the selected one, none is selected then. */
export function removeContext(
  host: Host,
  name: string,
  isSelected: boolean,
  options: EditOptions = {},
): Promise<ConfigEdit> {
  return edit(host, options, [
    [`${contextsKey}.${name}`, undefined],
    ...(isSelected ? [[selectedKey, undefined] as const] : []),
  ]);
}

/** The contexts of the file that would be written. Throws kind `local` when it is no YAML. */
export async function storedContexts(host: Host, options: EditOptions = {}): Promise<StoredContexts> {
  const location = locateConfig(host, options.path);
  return (await readConfigText(baseText(host, location) ?? '', location.write())).contexts;
}

/** Replaces the whole text, after an editor. Throws kind `usage` when it is not a good configuration. */
export async function replaceConfigText(host: Host, text: string, options: EditOptions = {}): Promise<ConfigEdit> {
  const location = locateConfig(host, options.path);
  const path = location.write();
  const problems = (await checkConfigText(text)).filter((problem) => problem.kind !== 'unknown');
  if (problems.length > 0) {
    throw new CliError('usage', 'The edited configuration is not valid, so nothing was changed', {
      code: 'usage.bad-config',
      details: problems.map((problem) => `line ${problem.line}: ${problem.message}`),
    });
  }
  const changed = await locked(path, options.signal, async () => write(path, readTextIfExists(path), text));
  return { path, changed, warnings: hiddenBy(host, location) };
}

/** Returns what an editor should start from: the file that is written, or else the one that is read. */
export function configTextToEdit(
  host: Host,
  options: EditOptions = {},
): { readonly path: string; readonly text: string } {
  const location = locateConfig(host, options.path);
  return { path: location.write(), text: baseText(host, location) ?? '' };
}

/** The files `config reset` removes: the user's own, never one named by `--config` or lying in this folder. */
export function resettableConfigs(host: Host): string[] {
  return [userConfigFile(host), legacyConfigFile(host)].filter((path) => statIfExists(path)?.isFile());
}

/** Removes them; resolves to those that were there. */
export function resetConfig(host: Host): string[] {
  return resettableConfigs(host).filter((path) => removeFile(path));
}

async function edit(host: Host, options: EditOptions, changes: readonly ConfigChange[]): Promise<ConfigEdit> {
  const location = locateConfig(host, options.path);
  const path = location.write();
  const changed = await locked(path, options.signal, async () => {
    const before = readTextIfExists(path);
    const base = baseText(host, location) ?? '';
    return write(path, before, await changeConfigText(base, changes, location.read ?? path));
  });
  return { path, changed, warnings: hiddenBy(host, location) };
}

function write(path: string, before: string | undefined, after: string): boolean {
  if (before === after || (before === undefined && after.trim() === '')) return false;
  replaceFile(path, after, { mode: 0o600, keepMode: true, followSymlink: true });
  return true;
}

// A file of an older release moves to today's place with its first change: a new file there would otherwise hide it.
function baseText(host: Host, location: ConfigLocation): string | undefined {
  const text = readTextIfExists(location.write());
  if (text !== undefined || location.explicit) return text;
  return readTextIfExists(legacyConfigFile(host));
}

function hiddenBy(host: Host, location: ConfigLocation): string[] {
  if (location.explicit || location.read !== folderConfigFile(host)) return [];
  return [`"${location.read}" is in force in this folder and hides "${location.write()}"`];
}

async function locked<T>(path: string, signal: AbortSignal | undefined, fn: () => Promise<T>): Promise<T> {
  return withLock(`${path}.lock`, { timeoutMs: 10_000, signal }, fn);
}
