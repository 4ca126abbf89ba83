// Guides of before chainctl had contexts name one of kubectl with `--context`, on the commands that work in a cluster.
// Guarantees: a name that chainctl knows keeps its meaning.

import { allContexts } from '../config/contexts.ts';
import { loadConfig } from '../config/load.ts';
import type { Host } from '../host.ts';
import type { AnyCommand } from './define.ts';
import type { ParsedArguments } from './plain-arguments.ts';
import { flagOf } from './spelling.ts';

/** Returns the arguments with `--context` as what the command says it may mean besides, where chainctl has none of that name. */
export async function withOtherContext(
  { contextElse: key = '', inputs }: AnyCommand,
  parsed: ParsedArguments,
  host: Host,
): Promise<ParsedArguments> {
  const { context: name, config, ...globals } = parsed.globals;
  const input = inputs[key];
  if (name === undefined || input === undefined || parsed.given.has(key)) return parsed;
  const loaded = await loadConfig(host, config === undefined ? {} : { path: config }).catch(() => undefined);
  // What is wrong with the configuration is said by whoever needs it.
  if (loaded === undefined || allContexts(loaded.contexts).some((one) => one.name === name)) return parsed;
  return {
    given: new Map([...parsed.given, [key, [name]]]),
    globals: config === undefined ? globals : { ...globals, config },
    older: new Map([...parsed.older, ['--context', `--${flagOf(key, input)}`]]),
  };
}
