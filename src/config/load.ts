// The configuration in force. Guarantees: flag beats `--context` beats environment beats CHAINCTL_CONTEXT and the
// selected context beats file beats default (protocols 0), every value has passed its key's check, and without a file
// nothing but its absence is looked at. Contexts come from the user's own file: one that lies in the current folder
// chooses nobody's platform.

import { CliError } from '../errors.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { allContexts, noContexts, ownLogins, requireContext, type StoredContexts, wantedContext } from './contexts.ts';
import { type ConfigLocation, folderConfigFile, locateConfig, ownConfigFile } from './paths.ts';
import { type ConfigKey, configEntry, configSchema, envName, parseValue } from './schema.ts';

export type ConfigSource = 'flag' | 'env' | 'context' | 'file' | 'default';

/** Addresses that commands talk to. */
export interface Place {
  /** The context whose addresses are in force; undefined when they are those of none. */
  readonly context: string | undefined;
  /** How a person calls it: the name of the context, or the address of the API. */
  readonly name: string;
  /** The person said so in this shell, by a flag or a variable, and not once and for all in a file. */
  readonly isNamedHere: boolean;
  /** There is no other to confuse it with. */
  readonly isOnlyOne: boolean;
  /** The context whose logins lie apart from those of the others. */
  readonly logins: string | undefined;
}

export interface Config {
  /** The value in its stored spelling: flags are `true` or `false`, addresses have no slash at the end. */
  get(key: ConfigKey): string;
  /** Returns whether a key of kind `flag` is on. */
  isOn(key: ConfigKey): boolean;
  source(key: ConfigKey): ConfigSource;
  /** Returns what the key would be without flags and environment. */
  inFile(key: ConfigKey): string;
  /**
   * Returns what the key would be without its own flag: `--audience` asks for one token, and this is whose login it may
   * come from.
   */
  withoutFlag(key: ConfigKey): string;
  readonly contexts: StoredContexts;
  readonly place: Place;
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
  /** Value of `--context`. */
  readonly context?: string;
}

interface Setting {
  readonly value: string;
  readonly source: ConfigSource;
}

/**
 * Throws kind `usage` for a flag or variable that does not fit its key and for an unknown context, kind `local` for a
 * file that cannot be read.
 */
export async function loadConfig(host: Host, options: LoadOptions = {}): Promise<Config> {
  const location = locateConfig(host, options.path);
  const text = location.read === undefined ? undefined : readTextIfExists(location.read);
  const warnings: string[] = [];
  let inFile: ReadonlyMap<ConfigKey, string> = new Map();
  let contexts = noContexts;
  if (location.read !== undefined && text !== undefined && text.trim() !== '') {
    const { readConfigText } = await import('./document.ts');
    const file = await readConfigText(text, location.read);
    warnings.push(...file.problems.map((problem) => `${location.read}:${problem.line}: ${problem.message}`));
    inFile = file.values;
    contexts = file.contexts;
  } else if (location.explicit && text === undefined) {
    warnings.push(`"${location.read}" does not exist, so defaults apply`);
  }
  if (!location.explicit && location.read === folderConfigFile(host)) contexts = await ownContexts(host);
  const wanted = wantedContext(host, contexts, options.context);
  const chosen = wanted && requireContext(contexts, wanted.name, sources[wanted.from]);
  const settings = new Map<ConfigKey, Setting>();
  const beneath = new Map<ConfigKey, Setting>();
  for (const { key } of configSchema) {
    const inContext = chosen?.values.get(key);
    const fromContext = inContext === undefined ? undefined : ({ value: inContext, source: 'context' } as const);
    const below =
      wanted?.from === 'flag' ? (fromContext ?? fromVariable(host, key)) : (fromVariable(host, key) ?? fromContext);
    if (below !== undefined) beneath.set(key, below);
    const setting = fromFlag(options.overrides ?? {}, key) ?? below;
    if (setting !== undefined) settings.set(key, setting);
  }
  // A token for the context's platform is for its address; another API wants its own.
  for (const level of [settings, beneath]) {
    const api = level.get('platform.api');
    if (level.get('platform.audience')?.source === 'context' && api?.source !== 'context')
      level.delete('platform.audience');
  }
  const facts = { path: text === undefined ? undefined : location.read, location, warnings, contexts };
  const values = createConfig(settings, beneath, inFile, facts);
  const isChosen = settings.get('platform.api')?.source === 'context';
  const place = placeOf(values, contexts, isChosen ? chosen?.name : undefined, wanted?.from);
  return Object.assign(values, { place });
}

const sources = {
  flag: '`--context`',
  env: 'CHAINCTL_CONTEXT',
  file: 'your configuration (`chainctl config contexts use` selects another)',
} as const;

async function ownContexts(host: Host): Promise<StoredContexts> {
  const path = ownConfigFile(host);
  const text = path === undefined ? undefined : readTextIfExists(path);
  if (path === undefined || text === undefined || text.trim() === '') return noContexts;
  const { readConfigText } = await import('./document.ts');
  return (await readConfigText(text, path)).contexts;
}

function placeOf(
  config: Omit<Config, 'place'>,
  contexts: StoredContexts,
  chosen: string | undefined,
  from: keyof typeof sources | undefined,
): Place {
  const all = allContexts(contexts);
  const address = config.get('platform.api');
  const same = (values: ReadonlyMap<ConfigKey, string>) =>
    (['platform.api', 'platform.issuer', 'platform.audience'] as const).every(
      (key) => values.get(key) === config.withoutFlag(key),
    ) && values.get('platform.api') === address;
  const context = chosen ?? all.find(({ values }) => same(values))?.name;
  const source = config.source('platform.api');
  return {
    context,
    name: context ?? address,
    isNamedHere: source === 'flag' || source === 'env' || (source === 'context' && from !== 'file'),
    isOnlyOne: context !== undefined && all.length === 1,
    logins: context === undefined ? undefined : ownLogins(contexts, context),
  };
}

function fromFlag(overrides: Partial<Record<ConfigKey, string>>, key: ConfigKey): Setting | undefined {
  const override = overrides[key];
  if (override === undefined) return undefined;
  // Global flags are named by the last word of their key.
  return { value: accept(key, override, `\`--${key.slice(key.lastIndexOf('.') + 1)}\``), source: 'flag' };
}

function fromVariable(host: Host, key: ConfigKey): Setting | undefined {
  const variable = host.env[envName(key)];
  // An empty variable counts as unset, as in the reference tool.
  return variable ? { value: accept(key, variable, envName(key)), source: 'env' } : undefined;
}

function accept(key: ConfigKey, text: string, where: string): string {
  const parsed = parseValue(key, text);
  if (parsed.ok) return parsed.value;
  throw new CliError('usage', `${where} must be ${parsed.expected}, not "${text}"`, { code: 'usage.bad-value' });
}

function createConfig(
  settings: ReadonlyMap<ConfigKey, Setting>,
  /** The same without flags. */
  beneath: ReadonlyMap<ConfigKey, Setting>,
  file: ReadonlyMap<ConfigKey, string>,
  facts: Pick<Config, 'path' | 'location' | 'warnings' | 'contexts'>,
): Omit<Config, 'place'> {
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
    withoutFlag: (key) => orFile(key, settings.get(key)?.source === 'flag' ? beneath.get(key) : settings.get(key)),
    isOn: (key) => get(key) === 'true',
    source: (key) => settings.get(key)?.source ?? (file.has(key) ? 'file' : 'default'),
    ...facts,
  };
}
