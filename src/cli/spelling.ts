// How inputs and commands are written on a command line and named in messages. Loads nothing, so help and lookup can
// have it without the parser.

import { CliError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import type { Input, Inputs } from './define.ts';
import { answerFlags, globalInputs, listFlags } from './globals.ts';

/** `githubRepo` → `github-repo`. */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function flagOf(key: string, input: Input): string | undefined {
  return input.flag === false ? undefined : (input.flag ?? kebab(key));
}

/** Returns how an input is named in a message: its flag, or its place. */
export function spellingOf(key: string, input: Input): string {
  const flag = flagOf(key, input);
  return input.positional !== undefined || flag === undefined ? `\`${input.positional ?? key}\`` : `\`--${flag}\``;
}

export const commandName = (definition: { readonly path: readonly string[] }): string =>
  ['chainctl', ...definition.path].join(' ');

/** Input that decides which global flags a command has. */
export interface FlagOwner {
  readonly inputs: Inputs;
  readonly path: readonly string[];
  readonly lists?: true;
  readonly view?: object;
}

/** Returns whether it answers with a list, which can be sorted and limited. */
export const isList = ({ path, lists, view }: Omit<FlagOwner, 'inputs'>): boolean =>
  view !== undefined && (lists === true || path.at(-1) === 'list');

/** Inputs of a command plus the globals that it has and does not redefine; of a group (without owner) all globals. */
export function allInputs(owner?: FlagOwner): { readonly own: Inputs; readonly global: Inputs } {
  const inputs = owner?.inputs ?? {};
  const absent = new Set([
    ...(owner === undefined || isList(owner) ? [] : listFlags),
    ...(owner === undefined || owner.view !== undefined ? [] : answerFlags),
  ]);
  const taken = new Set(
    Object.entries(inputs).flatMap(([key, input]) => [flagOf(key, input), ...(input.aliases ?? [])]),
  );
  const shorts = new Set(Object.values(inputs).map((input) => input.short));
  const global = Object.entries(globalInputs as Inputs)
    .filter(([key, input]) => !absent.has(key) && !taken.has(flagOf(key, input)))
    .map(([key, input]) => {
      if (input.short === undefined || !shorts.has(input.short)) return [key, input] as const;
      const { short: _taken, ...rest } = input;
      return [key, rest] as const;
    });
  return { own: inputs, global: Object.fromEntries(global) };
}

/** `word` as typed, with its value or a single dash; `known` are flags with their dashes. */
export function unknownFlag(word: string, known: readonly string[], name: string): CliError {
  const flag = word.split('=')[0] ?? word;
  // `-output` was meant as `--output`; of single letters any is near any other.
  const near = flag.length > 2 ? nearest(flag.replace(/^-(?!-)/, '--'), known) : undefined;
  const hint = ['-y', '--yes'].includes(flag)
    ? `it asks for no agreement; leave \`${flag}\` out`
    : near === undefined
      ? `see \`${name} --help\``
      : `did you mean \`${near}\`?`;
  return new CliError('usage', `Unknown flag \`${flag}\` for \`${name}\``, { code: 'usage.unknown-flag', hint });
}
