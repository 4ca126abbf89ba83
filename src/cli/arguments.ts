// From the words after a command to raw texts by input. Commander does the reading; spellings that Go's flag library
// takes and commander does not (`--flag=false`, `-v=2`) are straightened out first.

import { Command, CommanderError, Option } from 'commander';
import { CliError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import type { AnyCommand, Input, Inputs } from './define.ts';
import { globalInputs } from './globals.ts';

export interface ParsedArguments {
  /** Texts given, by input key; positionals included. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Last text given, by global key. */
  readonly globals: Readonly<Partial<Record<string, string>>>;
}

/** `githubRepo` → `github-repo`. */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function flagOf(key: string, input: Input): string | undefined {
  return input.flag === false ? undefined : (input.flag ?? kebab(key));
}

/** How an input is named in a message: its flag, or its place. */
export function spellingOf(key: string, input: Input): string {
  const flag = flagOf(key, input);
  return input.positional !== undefined || flag === undefined ? `\`${input.positional ?? key}\`` : `\`--${flag}\``;
}

/** Inputs of a command plus the globals it does not redefine. */
export function allInputs(inputs: Inputs): { readonly own: Inputs; readonly global: Inputs } {
  const taken = new Set(Object.entries(inputs).map(([key, input]) => flagOf(key, input)));
  const shorts = new Set(Object.values(inputs).map((input) => input.short));
  const global = Object.entries(globalInputs as Inputs)
    .filter(([key, input]) => !taken.has(flagOf(key, input)))
    .map(([key, input]) => {
      if (input.short === undefined || !shorts.has(input.short)) return [key, input] as const;
      const { short: _taken, ...rest } = input;
      return [key, rest] as const;
    });
  return { own: inputs, global: Object.fromEntries(global) };
}

export function parseArguments(definition: AnyCommand, words: readonly string[]): ParsedArguments {
  const { own, global } = allInputs(definition.inputs);
  const flags = new Map<string, { key: string; input: Input; global: boolean }>();
  const command = new Command(definition.path.at(-1) ?? 'chainctl')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .helpOption(false)
    .allowUnknownOption();
  const texts = new Map<string, string[]>();
  const remember = (slot: string) => (text: string) => {
    texts.set(slot, [...(texts.get(slot) ?? []), text]);
    return text;
  };

  for (const [isGlobal, inputs] of [
    [false, own],
    [true, global],
  ] as const) {
    for (const [key, input] of Object.entries(inputs)) {
      const flag = flagOf(key, input);
      if (flag === undefined) continue;
      const slot = `${isGlobal ? 'global' : 'own'} ${key}`;
      [flag, ...(input.aliases ?? [])].forEach((name, index) => {
        const short = index === 0 && input.short !== undefined ? `-${input.short}, ` : '';
        const value = input.kind.boolean ? '' : ' <value>';
        // A flag that takes no value reaches the parser without a text.
        const take = (text: string | undefined) => remember(slot)(text ?? 'true');
        command.addOption(new Option(`${short}--${name}${value}`).argParser(take));
        flags.set(`--${name}`, { key, input, global: isGlobal });
        if (short) flags.set(`-${input.short}`, { key, input, global: isGlobal });
      });
    }
  }

  const straight = straighten(words, flags, (entry, text) =>
    remember(`${entry.global ? 'global' : 'own'} ${entry.key}`)(text),
  );
  let operands: string[];
  try {
    const parsed = command.parseOptions(straight);
    const unknown = parsed.unknown.find((word) => word.startsWith('-'));
    if (unknown !== undefined) throw unknownFlag(unknown.split('=')[0] ?? unknown, flags, definition);
    operands = [...parsed.operands, ...parsed.unknown];
  } catch (error) {
    if (error instanceof CommanderError) throw toUsageError(error, definition);
    throw error;
  }
  placeOperands(definition, operands, texts);

  const given = new Map<string, readonly string[]>();
  const globals: Partial<Record<string, string>> = {};
  for (const [slot, values] of texts) {
    const [scope, key] = slot.split(' ') as [string, string];
    if (scope === 'own') given.set(key, values);
    else globals[key] = values.at(-1);
  }
  return { given, globals };
}

/** Words up to `--` with `-x=value` and `--bool=value` rewritten; the booleans' values are handed to `take`. */
function straighten<E extends { readonly input: Input }>(
  words: readonly string[],
  flags: ReadonlyMap<string, E>,
  take: (entry: E, text: string) => void,
): string[] {
  const end = words.indexOf('--');
  const before = end < 0 ? words : words.slice(0, end);
  const straight: string[] = [];
  for (let index = 0; index < before.length; index += 1) {
    const word = before[index] ?? '';
    const [, name, value] = /^(--?[A-Za-z][^=]*)=(.*)$/s.exec(word) ?? [];
    const entry = flags.get(name ?? word);
    if (entry === undefined) {
      straight.push(word);
    } else if (name !== undefined && value !== undefined && entry.input.kind.boolean) {
      take(entry, value);
    } else if (name !== undefined && value !== undefined && !name.startsWith('--')) {
      straight.push(name, value);
    } else if (name === undefined && !entry.input.kind.boolean && index + 1 < before.length) {
      // Commander would read a value such as `-1h` as another flag; joined it is unmistakable.
      index += 1;
      straight.push(word, before[index] ?? '');
    } else {
      straight.push(word);
    }
  }
  return end < 0 ? straight : [...straight, ...words.slice(end)];
}

function placeOperands(definition: AnyCommand, operands: readonly string[], texts: Map<string, string[]>): void {
  const places = Object.entries(definition.inputs).filter(([, input]) => input.positional !== undefined);
  const rest = [...operands];
  for (const [key, input] of places) {
    if (rest.length === 0) break;
    const slot = `own ${key}`;
    const flag = flagOf(key, input);
    if (texts.has(slot) && !input.many) {
      throw new CliError('usage', `\`${input.positional}\` was given twice: as "${rest[0]}" and as \`--${flag}\``, {
        code: 'usage.twice',
      });
    }
    texts.set(slot, input.many ? [...(texts.get(slot) ?? []), ...rest.splice(0)] : rest.splice(0, 1));
  }
  if (rest.length > 0) {
    const takes = places.map(([, input]) => input.positional).join(' ') || 'no arguments';
    throw new CliError('usage', `Unexpected argument "${rest[0]}": ${commandName(definition)} takes ${takes}`, {
      code: 'usage.unexpected-argument',
      hint: `see \`${commandName(definition)} --help\``,
    });
  }
}

export const commandName = (definition: { readonly path: readonly string[] }): string =>
  ['chainctl', ...definition.path].join(' ');

function unknownFlag(flag: string, flags: ReadonlyMap<string, unknown>, definition: AnyCommand): CliError {
  const near = nearest(flag, flags.keys());
  return new CliError('usage', `Unknown flag \`${flag}\` for \`${commandName(definition)}\``, {
    code: 'usage.unknown-flag',
    hint: near === undefined ? `see \`${commandName(definition)} --help\`` : `did you mean \`${near}\`?`,
  });
}

function toUsageError(error: CommanderError, definition: AnyCommand): CliError {
  const flag = /option '[^']*?(--[a-z-]+)/.exec(error.message)?.[1];
  const message =
    error.code === 'commander.optionMissingArgument' && flag !== undefined
      ? `\`${flag}\` needs a value`
      : error.message.replace(/^error: /, '');
  return new CliError('usage', message, {
    code: 'usage.missing-value',
    hint: `see \`${commandName(definition)} --help\``,
  });
}
