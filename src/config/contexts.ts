// Contexts: names for platforms, each with its addresses and what a person prefers there. Guarantees: a context is
// whole, so that no address of one platform is ever mixed with another's; `production` is always there and keeps its
// addresses.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { nearest } from '../suggest.ts';
import { type ConfigKey, configSchema, isConfigKey } from './schema.ts';

export const production = 'production';
/** The key of the selected context's name in the file; below the second one every context has a group of its own. */
export const selectedKey = 'context';
export const contextsKey = 'contexts';
/** Folder in which a local platform keeps its state; only in a context that `local start` made. */
export const dataDirKey = 'data-dir';

export interface StoredContext {
  /** Properties of the configuration, by key. */
  readonly values: ReadonlyMap<ConfigKey, string>;
  /** The folder of the local platform this context was made for. */
  readonly dataDir?: string;
}

/** Contexts, as a configuration file has them. */
export interface StoredContexts {
  readonly selected: string | undefined;
  /** In the order of the file. */
  readonly all: ReadonlyMap<string, StoredContext>;
}

export const noContexts: StoredContexts = { selected: undefined, all: new Map() };

export interface NamedContext extends StoredContext {
  readonly name: string;
}

/** The property that a name in a file is for: what stands behind the context, if it leads into one. */
export const propertyOf = (name: string): string =>
  name.startsWith(`${contextsKey}.`) ? name.split('.').slice(2).join('.') : name;

/**
 * Returns whether a context can hold the property. How one logs in, and how chainctl behaves, is the same everywhere.
 */
export const isContextKey = (key: string): key is ConfigKey =>
  isConfigKey(key) && /^(?:platform\.|output\.|default\.(?:group|org-name|identity-provider|social-login)$)/.test(key);

const platformKeys = configSchema.map(({ key }) => key).filter((key) => key.startsWith('platform.'));

/** Every context, `production` first. A file can add preferences to that one, but no addresses. */
export function allContexts({ all }: StoredContexts): NamedContext[] {
  const own = [...(all.get(production)?.values ?? [])].filter(([key]) => !key.startsWith('platform.'));
  const others = [...all].filter(([name]) => name !== production);
  return [
    { name: production, values: whole(new Map(own)) },
    ...others.map(([name, stored]) => ({ ...stored, name, values: whole(stored.values) })),
  ];
}

/**
 * With the address that production has for each one that is not given, and tokens for the API unless said otherwise.
 */
function whole(values: ReadonlyMap<ConfigKey, string>): ReadonlyMap<ConfigKey, string> {
  const filled = new Map(values);
  for (const { key, default: usual } of configSchema) {
    if (platformKeys.includes(key) && !filled.get(key)) filled.set(key, usual);
  }
  if (!filled.get('platform.audience')) filled.set('platform.audience', filled.get('platform.api') ?? '');
  return filled;
}

/** The context of that name. Throws kind `usage` when there is none; `source` says where the name stood. */
export function requireContext(contexts: StoredContexts, name: string, source: string): NamedContext {
  const all = allContexts(contexts);
  const found = all.find((context) => context.name === name);
  if (found !== undefined) return found;
  const names = all.map((context) => context.name);
  const near = nearest(name, names);
  throw new CliError('usage', `There is no context "${name}", which ${source} names`, {
    code: 'usage.unknown-context',
    hint:
      near === undefined
        ? `use one of ${names.join(', ')}, or \`chainctl config contexts create\``
        : `did you mean "${near}"? There are ${names.join(', ')}`,
  });
}

/**
 * The context whose logins lie apart from the usual place, or undefined: an earlier context has the same audience, and
 * a token's folder is named by its audience alone (script-contracts 6).
 */
export function ownLogins(contexts: StoredContexts, name: string): string | undefined {
  const all = allContexts(contexts);
  const at = all.findIndex((context) => context.name === name);
  if (at < 1) return undefined;
  const audience = all[at]?.values.get('platform.audience');
  return all.slice(0, at).some(({ values }) => values.get('platform.audience') === audience) ? name : undefined;
}

/** The name a context was asked for by, and where. An empty variable counts as unset. */
export function wantedContext(
  host: Pick<Host, 'env'>,
  contexts: StoredContexts,
  flag: string | undefined,
): { readonly name: string; readonly from: 'flag' | 'env' | 'file' } | undefined {
  if (flag !== undefined) return { name: flag, from: 'flag' };
  const variable = host.env['CHAINCTL_CONTEXT'];
  if (variable) return { name: variable, from: 'env' };
  return contexts.selected === undefined ? undefined : { name: contexts.selected, from: 'file' };
}
