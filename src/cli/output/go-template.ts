import { printableLines } from '../io.ts';
import type { Renderer } from './format.ts';

/** Prints what the command's template makes of each item, and nothing else: a template ends its own lines. */
export const render: Renderer = async ({ view, items, io }) => {
  for await (const item of items) io.out(printableLines((await view.template?.(item)) ?? ''));
};
