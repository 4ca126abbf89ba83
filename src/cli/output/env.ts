import { shellWord } from '../../shell-word.ts';
import type { Renderer } from './format.ts';

/** `export NAME=value` lines for `eval`; tokens and ids survive it without quotes around the substitution as well. */
export const render: Renderer = async ({ view, items, io }) => {
  for await (const item of items) {
    for (const [name, value] of Object.entries(view.env?.(item) ?? {})) io.out(`export ${name}=${shellWord(value)}\n`);
  }
};
