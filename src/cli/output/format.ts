// Interface of an output format.

import type { View } from '../define.ts';
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

/** All items of an answer, for formats that need the last one before they can write the first. */
export async function gather<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
