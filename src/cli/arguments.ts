// From the words after a command to raw texts by input, where plain-arguments.ts does not know better. Commander does the
// reading; the two spellings that Go's flag library takes and commander does not (`--flag=false`, `-o=json`) are rewritten
// first.

import { Command, CommanderError, Option } from 'commander';
import { CliError } from '../errors.ts';
import type { AnyCommand, Input } from './define.ts';
import { isTrue } from './inputs/is-true.ts';
import type { ParsedArguments } from './plain-arguments.ts';
import { allInputs, commandName, flagOf, unknownFlag } from './spelling.ts';

interface Flag {
  /** With dashes, as are the others. */
  readonly name: string;
  readonly short: string | undefined;
  readonly aliases: readonly string[];
  readonly isBoolean: boolean;
  readonly isHidden: boolean;
  readonly take: (text: string) => void;
}

export function parseArguments(definition: AnyCommand, words: readonly string[]): ParsedArguments {
  const { own, global } = allInputs(definition);
  const given = new Map<string, string[]>();
  const globals: Partial<Record<string, string>> = {};
  const takeOwn = (key: string) => (text: string) => {
    given.set(key, [...(given.get(key) ?? []), text]);
  };
  const takeGlobal = (key: string) => (text: string) => {
    globals[key] = text;
  };
  const flags = [
    ...Object.entries(own).map(([key, input]) => toFlag(key, input, takeOwn(key))),
    ...Object.entries(global).map(([key, input]) => toFlag(key, input, takeGlobal(key))),
  ].filter((flag) => flag !== undefined);

  const older = new Map<string, string>();
  const { operands, unknown, taken } = read(words, flags, definition, older);
  const stranger = unknown.find((word) => word.startsWith('-'));
  if (stranger !== undefined) {
    const known = flags.filter((flag) => !flag.isHidden).map((flag) => flag.name);
    throw unknownFlag(stranger, known, commandName(definition));
  }
  // A request for help may end an incomplete command line.
  if (!isTrue(globals['help'])) placeOperands(definition, operands, given, taken);
  return { given, globals, older };
}

function toFlag(key: string, input: Input, take: Flag['take']): Flag | undefined {
  const flag = flagOf(key, input);
  if (flag === undefined) return undefined;
  return {
    name: `--${flag}`,
    short: input.short === undefined ? undefined : `-${input.short}`,
    aliases: (input.aliases ?? []).map((alias) => `--${alias}`),
    isBoolean: input.kind.boolean === true,
    isHidden: input.hidden === true,
    take,
  };
}

function read(words: readonly string[], flags: readonly Flag[], definition: AnyCommand, older: Map<string, string>) {
  const command = new Command(definition.path.at(-1) ?? 'chainctl')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .helpOption(false)
    .allowUnknownOption();
  const byName = new Map<string, Flag>();
  for (const flag of flags) {
    const { name, short, aliases, isBoolean } = flag;
    for (const each of [name, ...aliases, ...(short === undefined ? [] : [short])]) byName.set(each, flag);
    const spellings = [short === undefined ? name : `${short}, ${name}`, ...aliases];
    for (const each of [
      ...spellings.map((spelling) => (isBoolean ? spelling : `${spelling} <value>`)),
      // Forms that `straighten` makes of `--flag=value` for a flag that otherwise takes none.
      ...(isBoolean ? [`${name}= <value>`] : []),
    ]) {
      const alias = aliases.find((one) => each === one || each.startsWith(`${one} `));
      command.addOption(
        new Option(each).argParser((text: string | undefined) => {
          if (alias !== undefined) older.set(alias, name);
          flag.take(text ?? 'true');
        }),
      );
    }
  }
  try {
    const { straight, taken } = straighten(words, byName);
    return { ...command.parseOptions(straight), taken };
  } catch (error) {
    if (error instanceof CommanderError) throw missingValue(error, definition);
    throw error;
  }
}

/** A flag that stands where another flag's value does, which that one took. */
interface Taken {
  readonly by: string;
  readonly flag: string;
}

/** Rewrites in place, so that of several spellings of one flag the last still wins. */
function straighten(words: readonly string[], flags: ReadonlyMap<string, Flag>) {
  const straight: string[] = [];
  let taken: Taken | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') return { straight: [...straight, ...words.slice(at)], taken };
    const [, name = word, value] = /^(--[^=]+|-[^-=])=(.*)$/s.exec(word) ?? [];
    const flag = flags.get(name);
    const next = words[at + 1];
    if (flag === undefined) {
      straight.push(word);
    } else if (value !== undefined) {
      straight.push(flag.isBoolean ? `${flag.name}=` : name, value);
    } else if (!flag.isBoolean && next !== undefined) {
      // The word after a flag is its value, whatever it looks like.
      straight.push(name, next);
      if (flags.has(next)) taken ??= { by: name, flag: next };
      at += 1;
    } else {
      straight.push(word);
    }
  }
  return { straight, taken };
}

function placeOperands(
  definition: AnyCommand,
  operands: readonly string[],
  given: Map<string, string[]>,
  taken: Taken | undefined,
): void {
  const places = Object.entries(definition.inputs).filter(([, input]) => input.positional !== undefined);
  const rest = [...operands];
  for (const [key, input] of places) {
    if (rest.length === 0) break;
    if (given.has(key) && !input.many) {
      throw new CliError(
        'usage',
        `\`${input.positional}\` was given twice: as "${rest[0]}" and as \`--${flagOf(key, input)}\``,
        { code: 'usage.twice', hint: `see \`${commandName(definition)} --help\`` },
      );
    }
    given.set(key, input.many ? [...(given.get(key) ?? []), ...rest.splice(0)] : rest.splice(0, 1));
  }
  if (rest.length > 0) {
    const takes = places.map(([, input]) => input.positional).join(' ') || 'no arguments';
    throw new CliError('usage', `Unexpected argument "${rest[0]}": \`${commandName(definition)}\` takes ${takes}`, {
      code: 'usage.unexpected-argument',
      // `--parent $UNSET -o json`
      hint:
        taken === undefined
          ? `see \`${commandName(definition)} --help\``
          : `\`${taken.by}\` has no value, so it took \`${taken.flag}\` for one`,
    });
  }
}

function missingValue(error: CommanderError, definition: AnyCommand): CliError {
  const flag = /option '(?:-., )?(--[^\s']+)/.exec(error.message)?.[1];
  return new CliError(
    'usage',
    flag === undefined ? error.message.replace(/^error: /, '') : `\`${flag}\` needs a value`,
    {
      code: 'usage.missing-value',
      hint: `see \`${commandName(definition)} --help\``,
    },
  );
}
