import { printableLines } from '../io.ts';
import type { Renderer } from './format.ts';

/** As the view words it; what came over the network cannot reach the terminal as anything but text. */
export const render: Renderer = async ({ view, items, io, now }) => {
  for await (const item of items) {
    io.out(printableLines((await view.text?.(item, { now, times: io.outIsTty ? 'relative' : 'utc' })) ?? ''));
  }
};
