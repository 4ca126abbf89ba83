// The configuration in force. Guarantees: flag beats environment beats file beats default (protocols 0), every value has
// passed its key's check, and without a file nothing but its absence is looked at.

import { CliError } from '../errors.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { type ConfigLocation, locateConfig } from './paths.ts';
import { type ConfigKey, configEntry, configSchema, envName, parseValue } from './schema.ts';

export type ConfigSource = 'flag' | 'env' | 'file' | 'default';

export interface Config {
  /** The value in its stored spelling: flags are `true` or `false`, addresses have no slash at the end. */
  get(key: ConfigKey): string;
  /** Whether a key of kind `flag` is on. */
  isOn(key: ConfigKey): boolean;
  source(key: ConfigKey): ConfigSource;
  /** What the key would be without flags and environment. */
  inFile(key: ConfigKey): string;
  /** What the key would be without its own flag: `--audience` asks for one token, and this is whose login it may come from. */
  withoutFlag(key: ConfigKey): string;
  /** The file that was read; undefined when there is none. */
  readonly path: string | undefined;
  readonly location: ConfigLocation;
  /** One sentence each: values of the file that were dropped. */
  readonly warnings: readonly string[];
}

export interface LoadOptions {
  /** Values of global flags. */
  readonly overrides?: Partial<Record<ConfigKey, string>>;
  /** Value of `--config`. */
  readonly path?: string;
}

interface Setting {
  readonly value: string;
  readonly source: ConfigSource;
}

/** Throws kind `usage` for a flag or variable that does not fit its key, kind `local` for a file that cannot be read. */
export async function loadConfig(host: Host, options: LoadOptions = {}): Promise<Config> {
  const location = locateConfig(host, options.path);
  const text = location.read === undefined ? undefined : readTextIfExists(location.read);
  const warnings: string[] = [];
  let inFile: ReadonlyMap<ConfigKey, string> = new Map();
  if (location.read !== undefined && text !== undefined && text.trim() !== '') {
    const { readConfigText } = await import('./document.ts');
    const file = await readConfigText(text, location.read);
    warnings.push(...file.problems.map((problem) => `${location.read}:${problem.line}: ${problem.message}`));
    inFile = file.values;
  } else if (location.explicit && text === undefined) {
    warnings.push(`"${location.read}" does not exist, so defaults apply`);
  }
  const settings = new Map<ConfigKey, Setting>();
  for (const { key } of configSchema) {
    const setting = given(host, options.overrides ?? {}, key);
    if (setting !== undefined) settings.set(key, setting);
  }
  const beneath = (key: ConfigKey) => given(host, {}, key);
  const facts = { path: text === undefined ? undefined : location.read, location, warnings };
  return createConfig(settings, beneath, inFile, facts);
}

function given(host: Host, overrides: Partial<Record<ConfigKey, string>>, key: ConfigKey): Setting | undefined {
  const override = overrides[key];
  if (override !== undefined) {
    // Global flags are named by the last word of their key.
    return { value: accept(key, override, `\`--${key.slice(key.lastIndexOf('.') + 1)}\``), source: 'flag' };
  }
  const variable = host.env[envName(key)];
  // An empty variable counts as unset, as in the reference tool.
  if (variable) return { value: accept(key, variable, envName(key)), source: 'env' };
  return undefined;
}

function accept(key: ConfigKey, text: string, where: string): string {
  const parsed = parseValue(key, text);
  if (parsed.ok) return parsed.value;
  throw new CliError('usage', `${where} must be ${parsed.expected}, not "${text}"`, { code: 'usage.bad-value' });
}

function createConfig(
  settings: ReadonlyMap<ConfigKey, Setting>,
  beneath: (key: ConfigKey) => Setting | undefined,
  file: ReadonlyMap<ConfigKey, string>,
  facts: Pick<Config, 'path' | 'location' | 'warnings'>,
): Config {
  const inFile = (key: ConfigKey): string => {
    const stored = file.get(key);
    // Tokens for the API are for its address unless said otherwise, so that naming another API is enough.
    if (key === 'platform.audience') return stored || inFile('platform.api');
    return stored ?? configEntry(key).default;
  };
  const orFile = (key: ConfigKey, setting: Setting | undefined): string => {
    if (setting !== undefined) return setting.value;
    return key === 'platform.audience' && !file.get(key) ? get('platform.api') : inFile(key);
  };
  const get = (key: ConfigKey): string => orFile(key, settings.get(key));
  return {
    get,
    inFile,
    withoutFlag: (key) => orFile(key, settings.get(key)?.source === 'flag' ? beneath(key) : settings.get(key)),
    isOn: (key) => get(key) === 'true',
    source: (key) => settings.get(key)?.source ?? (file.has(key) ? 'file' : 'default'),
    ...facts,
  };
}
