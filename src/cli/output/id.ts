import { printable } from '../io.ts';
import { batched } from './batch.ts';
import type { Renderer } from './format.ts';

/** One id to a line, written as it arrives, nothing else (script-contracts 1.9). */
export const render: Renderer = ({ view, items, io }) =>
  batched(io, async (batch) => {
    for await (const item of items) if (view.id) batch.out(`${printable(view.id(item))}\n`);
  });
