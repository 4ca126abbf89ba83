import { printable } from '../io.ts';
import type { Renderer } from './renderer.ts';

/** One id to a line, written as it arrives, nothing else (script-contracts 1.9). */
export const render: Renderer = async ({ view, items, io }) => {
  for await (const item of items) if (view.id) io.out(`${printable(view.id(item))}\n`);
};
