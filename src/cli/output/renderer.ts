// A format is one module that exports `render`; this table is the only place that knows them all.

import type { Format, View } from '../define.ts';
import type { Io } from '../io.ts';

export interface RenderInput<T> {
  readonly view: View<T>;
  readonly items: AsyncIterable<T> | Iterable<T>;
  /** False when the command returned one thing rather than a list. */
  readonly isList: boolean;
  readonly io: Io;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The order of the rows, for a table; other formats get their items in it. */
  readonly order?: Order<T> | undefined;
  /** Ids as short as they can be told apart. */
  readonly shortIds?: boolean;
  /** Cells of csv as they are, even where a spreadsheet would run them. */
  readonly rawCsv?: boolean;
}

export interface Order<T> {
  readonly key: (item: T) => string | number | Promise<string | number>;
  readonly descending?: boolean;
  /** Once every key was made. Throws kind `usage` when no item had one. */
  readonly check?: () => void;
}

export type Renderer = <T>(input: RenderInput<T>) => Promise<void>;

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

/** All items of an answer, for formats that need the last one before they can write the first. */
export async function gather<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Formats whose lines are rows of the view's columns. */
const columnFormats: ReadonlySet<Format> = new Set(['csv', 'markdown', 'table', 'terse', 'wide']);

/** What a renderer gets: the items, or the rows that they take in formats with columns. */
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
