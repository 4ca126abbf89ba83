// How inputs and commands are written on a command line and named in messages. Loads nothing, so help and lookup can
// have it without the parser.

import type { Input, Inputs } from './define.ts';
import { globalInputs } from './globals.ts';

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

export const commandName = (definition: { readonly path: readonly string[] }): string =>
  ['chainctl', ...definition.path].join(' ');

/** Inputs of a command plus the globals it does not redefine. */
export function allInputs(inputs: Inputs): { readonly own: Inputs; readonly global: Inputs } {
  const taken = new Set(
    Object.entries(inputs).flatMap(([key, input]) => [flagOf(key, input), ...(input.aliases ?? [])]),
  );
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
