import type { Renderer } from './renderer.ts';

/** `export NAME=value` lines, safe to `eval` with or without quotes around the substitution. */
export const render: Renderer = async ({ view, items, io }) => {
  for await (const item of items) {
    for (const [name, value] of Object.entries(view.env?.(item) ?? {})) io.out(`export ${name}=${shellWord(value)}\n`);
  }
};

/** Quotes only what a POSIX shell would read as more than one plain word. */
export function shellWord(value: string): string {
  // zsh reads a leading `=` as the path of a command.
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
