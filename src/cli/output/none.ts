import type { Renderer } from './renderer.ts';

/** Runs the answer to its end, so that lazy work happens, and prints nothing. */
export const render: Renderer = async ({ items }) => {
  for await (const _ of items);
};
