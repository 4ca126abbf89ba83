import type { Renderer } from './renderer.ts';

export const render: Renderer = async ({ view, items, io, now }) => {
  for await (const item of items) io.out(view.text?.(item, { now, relativeTimes: io.outIsTty }) ?? '');
};
