import { printable } from '../io.ts';
import type { Renderer } from './renderer.ts';

/** The first column alone, one value to a line. */
export const render: Renderer = async ({ view, items, io, now }) => {
  const column = view.columns?.[0];
  for await (const item of items) {
    io.out(`${printable(String((await column?.value(item, { now, relativeTimes: false })) ?? ''))}\n`);
  }
};
