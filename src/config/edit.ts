// Changes to the user's configuration file: one writer at a time, whole or not at all.

import { withLock } from '../auth/lock.ts';
import { CliError } from '../errors.ts';
import { readTextIfExists, removeFile, replaceFile } from '../files.ts';
import type { Host } from '../host.ts';
import { statIfExists } from '../stats.ts';
import { type ConfigChange, changeConfigText, checkConfigText, requireConfigKey } from './document.ts';
import type { Config } from './load.ts';
import { type ConfigLocation, folderConfigFile, legacyConfigFile, locateConfig, userConfigFile } from './paths.ts';
import { configSchema, parseValue } from './schema.ts';

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
  return edit(host, options, [[key, parsed.value]]);
}

/** Takes one key out, so that its default applies again. */
export async function unsetConfigValue(host: Host, name: string, options: EditOptions = {}): Promise<ConfigEdit> {
  return edit(host, options, [[requireConfigKey(name), undefined]]);
}

/** Stores every value in force, whether it came from a flag, the environment, the file or a default. */
export async function saveConfig(host: Host, config: Config, options: EditOptions = {}): Promise<ConfigEdit> {
  return edit(
    host,
    options,
    configSchema.map(({ key }) => [key, config.get(key)] as const),
  );
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

/** What an editor should start from: the file that is written, or else the one that is read. */
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
