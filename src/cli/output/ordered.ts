import type { Context } from '../context.ts';
import { gather } from './renderer.ts';

/** What scripts read: written item by item as it arrives, in the platform's order. */
const machineFormats: ReadonlySet<string | undefined> = new Set(['csv', 'id', 'json', 'none']);

/**
 * Items as they come for scripts, so that the first is there at once and memory stays flat however long the list is; all
 * of them, as `sort` puts them, for people.
 */
export async function* ordered<T>(
  context: Context,
  items: AsyncIterable<T>,
  sort: (all: T[]) => readonly T[],
): AsyncGenerator<T> {
  if (machineFormats.has(context.globals.output)) {
    yield* items;
    return;
  }
  yield* sort(await gather(items));
}
