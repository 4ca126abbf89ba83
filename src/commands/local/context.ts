// The context of a local platform: made when one starts, found when a command has no login. Guarantees: a platform starts and
// stops whatever the configuration of the user says, and a context that somebody else made keeps its name.

import { basename } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { isContextName } from '../../config/context-name.ts';
import type { NamedContext, StoredContexts } from '../../config/contexts.ts';
import type { ConfigKey } from '../../config/schema.ts';
import { CliError } from '../../errors.ts';
import type { PlatformFile } from '../../local/platform-file.ts';
import { defaultFolder, isDefault, runningPlatform } from './folder.ts';

export interface Registered {
  readonly name: string;
  /** It was not there before. */
  readonly isNew: boolean;
  readonly isSelected: boolean;
}

/** Stores where the platform is now; undefined, with a warning, when the configuration cannot be changed. */
export async function registerContext(context: Context, platform: PlatformFile): Promise<Registered | undefined> {
  const { storeContext, storedContexts } = await import('../../config/edit.ts');
  const options = { signal: context.signal };
  try {
    const contexts = await storedContexts(context.host, options);
    const { name, isNew } = nameFor(context, platform.dataDir, contexts);
    await storeContext(context.host, { name, values: addressesOf(platform), dataDir: platform.dataDir }, options);
    return { name, isNew, isSelected: contexts.selected === name };
  } catch (error) {
    if (!(error instanceof CliError) || error.kind === 'cancelled') throw error;
    context.io.warn(`the context of this platform is not kept: ${error.message}`);
    return undefined;
  }
}

/** Takes the context of a platform that is no more away; what cannot be changed stays. */
export async function forgetContext(context: Context, folder: string): Promise<void> {
  const { removeContext, storedContexts } = await import('../../config/edit.ts');
  const options = { signal: context.signal };
  try {
    const contexts = await storedContexts(context.host, options);
    const own = [...contexts.all].find(([, { dataDir }]) => dataDir === folder)?.[0];
    if (own !== undefined) await removeContext(context.host, own, contexts.selected === own, options);
  } catch (error) {
    if (!(error instanceof CliError) || error.kind === 'cancelled') throw error;
  }
}

/** The same as last time for a folder that was served before, else `local` or the name of the folder, or one beside it. */
function nameFor(
  context: Context,
  folder: string,
  { all }: StoredContexts,
): { readonly name: string; readonly isNew: boolean } {
  const before = [...all].find(([, { dataDir }]) => dataDir === folder)?.[0];
  if (before !== undefined) return { name: before, isNew: false };
  const word = basename(folder)
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 50);
  const wanted = isDefault(context, folder) || !isContextName(word) ? 'local' : word;
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (name !== 'production' && !all.has(name)) return { name, isNew: true };
  }
}

const addressesOf = ({ api, issuer, registry, console }: PlatformFile): NamedContext['values'] =>
  new Map<ConfigKey, string>([
    // It has one sign-in page for everybody, so there is nothing to choose.
    ['default.social-login', 'email'],
    ['platform.api', api],
    ['platform.console', console],
    ['platform.issuer', issuer],
    ['platform.registry', registry],
  ]);

/**
 * Returns what somebody without a login may have forgotten: the local platform that runs, when commands go elsewhere.
 */
export async function unselectedPlatform(context: Context): Promise<string | undefined> {
  try {
    const running = await runningPlatform(defaultFolder(context));
    if (running === undefined || running.api === context.config.get('platform.api')) return undefined;
    const contexts = [...context.config.contexts.all];
    const name = contexts.find(([, { dataDir }]) => dataDir === running.dataDir)?.[0];
    const use = name === undefined ? 'eval "$(chainctl local env)"' : `chainctl config contexts use ${name}`;
    return `a local platform runs at ${running.api}, and this command went to ${context.config.place.name}: \`${use}\``;
  } catch {
    // It was a guess, and the error that there is has its own words.
    return undefined;
  }
}
