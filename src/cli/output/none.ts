import type { Renderer } from './format.ts';

/** Runs the answer to its end, so that lazy work happens, and prints nothing. */
export const render: Renderer = async ({ items }) => {
  for await (const _ of items);
};
