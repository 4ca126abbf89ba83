// A format is one module that exports `render`; this table is the only place that knows them all.

import type { Format, View } from '../define.ts';
import type { Renderer } from './format.ts';

/** `--output` accepts what a command offers out of these. */
export const renderers: Readonly<Record<Format, () => Promise<{ readonly render: Renderer }>>> = {
  csv: () => import('./csv.ts'),
  env: () => import('./env.ts'),
  'go-template': () => import('./go-template.ts'),
  id: () => import('./id.ts'),
  json: () => import('./json.ts'),
  markdown: () => import('./markdown.ts'),
  none: () => import('./none.ts'),
  sarif: () => import('./sarif.ts'),
  table: () => import('./table.ts'),
  terse: () => import('./terse.ts'),
  text: () => import('./text.ts'),
  tree: () => import('./tree.ts'),
  wide: () => import('./wide.ts'),
  yaml: () => import('./yaml.ts'),
};

/** Formats whose lines are rows of the view's columns. */
export const columnFormats: ReadonlySet<Format> = new Set(['csv', 'markdown', 'table', 'terse', 'wide']);

/** Yields what a renderer gets: the items, or the rows that they take in formats with columns. */
export function itemsFor<T>(
  format: Format,
  view: View<T>,
  items: AsyncIterable<T> | Iterable<T>,
): AsyncIterable<T> | Iterable<T> {
  return view.rows !== undefined && columnFormats.has(format) ? spread(items, view.rows) : items;
}

async function* spread<T>(items: AsyncIterable<T> | Iterable<T>, rows: (item: T) => readonly T[]): AsyncIterable<T> {
  for await (const item of items) yield* rows(item);
}
