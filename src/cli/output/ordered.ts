// The order of a list. Guarantees: scripts get each item as it arrives, however long the list is; people get all of them
// in an order that is the same on every machine.

import { Arrivals, partsOf } from '../../arrivals.ts';
import { gather, type Order } from './format.ts';

/** How people see a list: by a key of each item that is compared by code units, or as all of them are arranged. */
export type Arrangement<T> =
  | { readonly key: (item: T) => string }
  | { readonly arrange: (all: readonly T[]) => readonly T[] };

/** A list that people see in an order of its own. Iterating it gives the items as they come. */
export class Ordered<T> extends Arrivals<T> {
  constructor(
    items: AsyncIterable<T>,
    readonly order: Arrangement<T>,
  ) {
    super(partsOf(items));
  }
}

export const ordered = <T>(items: AsyncIterable<T>, key: (item: T) => string): Ordered<T> =>
  new Ordered(items, { key });

export const arranged = <T>(items: AsyncIterable<T>, arrange: (all: readonly T[]) => readonly T[]): Ordered<T> =>
  new Ordered(items, { arrange });

/** The key of most things: the name, of equal names the id. No name holds a NUL. */
export const nameThenId = ({ name = '', id = '' }: { readonly name?: string; readonly id?: string }): string =>
  `${name}\u0000${id}`;

/** All items, arranged. */
export async function* rearranged<T>(
  items: AsyncIterable<T> | Iterable<T>,
  arrange: (all: readonly T[]) => readonly T[],
): AsyncGenerator<T> {
  yield* arrange(await gather(items));
}

/** All items in that order. */
export async function* sorted<T>(items: AsyncIterable<T> | Iterable<T>, order: Order<T>): AsyncGenerator<T> {
  const all: { readonly item: T; readonly key: string | number }[] = [];
  for await (const item of items) all.push({ item, key: await order.key(item) });
  order.check?.();
  all.sort((a, b) => compareKeys(a.key, b.key) * (order.descending ? -1 : 1));
  for (const { item } of all) yield item;
}

/** Numbers before texts; texts by code units. */
export function compareKeys(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As many as that of the first. What makes the others is told that nobody wants them. */
export async function* first<T>(items: AsyncIterable<T> | Iterable<T>, limit: number): AsyncGenerator<T> {
  let left = limit;
  if (left === 0) return;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left === 0) return;
  }
}
