import { printable } from '../io.ts';
import type { Renderer } from './format.ts';

/** Prints what the view says in one line, or the first column alone. */
export const render: Renderer = async ({ view, items, io, now }) => {
  const column = view.columns?.[0];
  for await (const item of items) {
    const value = view.terse === undefined ? await column?.value(item, { now, times: 'utc' }) : view.terse(item);
    io.out(`${printable(String(value ?? ''))}\n`);
  }
};
