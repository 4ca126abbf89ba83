import { partsOf } from '../../arrivals.ts';
import { printable } from '../io.ts';
import { batched } from './batch.ts';
import type { Renderer } from './format.ts';

/** One id to a line, written as it arrives, nothing else (script-contracts 1.9). */
export const render: Renderer = ({ view, items, io }) =>
  batched(io, async (batch) => {
    const { id } = view;
    if (id === undefined) return;
    for await (const part of partsOf(items)) {
      if (part.length > 0) batch.out(part.map((item) => `${printable(id(item))}\n`).join(''));
    }
  });
