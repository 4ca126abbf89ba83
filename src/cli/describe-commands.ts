// Every command as data. Guarantees: taken from the definitions, so it cannot say anything that a command does not do.

import { mayChange } from '../api/schema/may-change.ts';
import type { AnyCommand, IndexNode, Input } from './define.ts';
import type { DescribedCommand, DescribedFlag } from './described-command.ts';
import { acceptedFormats } from './formats.ts';
import { factsOf } from './needs.ts';
import { allInputs, commandName, flagOf, isList } from './spelling.ts';

/** All of the index that are not hidden, by name. */
export async function describeCommands(index: IndexNode): Promise<readonly DescribedCommand[]> {
  const loaders: (() => Promise<{ readonly default: AnyCommand }>)[] = [];
  const walk = ({ load, children = [], hidden }: IndexNode) => {
    if (hidden) return;
    if (load !== undefined) loaders.push(load);
    for (const child of children) walk(child);
  };
  walk(index);
  const all = await Promise.all(loaders.map(async (load) => describe((await load()).default)));
  return all.sort((a, b) => (a.command < b.command ? -1 : 1));
}

async function describe(definition: AnyCommand): Promise<DescribedCommand> {
  const { own, global } = allInputs(definition);
  const visible = Object.entries(own).filter(([, input]) => !input.hidden);
  const places = visible.filter(([, { positional }]) => positional !== undefined);
  const flags = visible.filter(([key, input]) => flagOf(key, input) !== undefined);
  return {
    command: commandName(definition),
    summary: definition.summary,
    aliases: definition.aliases ?? [],
    ...(definition.deprecated === undefined ? {} : { deprecated: definition.deprecated }),
    writes: await mayWrite(definition),
    confirms: definition.confirm !== undefined,
    lists: isList(definition),
    formats: acceptedFormats(definition),
    arguments: places.map(([key, input]) => ({ ...described(key, input), name: input.positional ?? key })),
    flags: flags.map(([key, input]) => ({ ...described(key, input), name: `--${flagOf(key, input)}` })),
    globalFlags: Object.entries(global).map(([key, input]) => `--${flagOf(key, input)}`),
  };
}

function described(key: string, input: Input): DescribedFlag {
  const { kind, short, aliases, config, required, many, help } = input;
  return {
    name: key,
    ...(short === undefined ? {} : { short: `-${short}` }),
    ...(aliases === undefined ? {} : { aliases: aliases.map((alias) => `--${alias}`) }),
    type: kind.boolean ? 'boolean' : kind.metavar,
    ...(kind.choices === undefined ? {} : { choices: kind.choices }),
    ...(input.default === undefined ? {} : { default: input.default }),
    ...(config === undefined ? {} : { config }),
    required: required === true,
    repeatable: many === true,
    ...(kind.secret ? { secret: true } : {}),
    help,
  };
}

/**
 * Whether it may change something: by the operations that its sources call and what the table of operations says of
 * them, and by what it says itself of this machine. What is told an operation may be anything.
 */
async function mayWrite({ path, changesHere, operations }: AnyCommand): Promise<boolean> {
  if (changesHere === true || operations !== undefined) return true;
  const { needs } = await import('../commands/needs.gen.ts');
  const used = await factsOf(Object.values(needs[path.join(' ')] ?? {}).flat());
  return used.some(mayChange);
}
