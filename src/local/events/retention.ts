import { removeEventsBefore } from '../outbox/stored-events.ts';
import type { Store } from '../store/database.ts';

const keptMs = 30 * 24 * 60 * 60 * 1000;
const batchSize = 1000;

/** Removes events older than thirty days with their delivery log; those still on their way stay. Gives their number. */
export async function pruneEvents(store: Store): Promise<number> {
  let total = 0;
  for (let removed = batchSize; removed === batchSize; ) {
    removed = store.transact((tx) => removeEventsBefore(tx, tx.now - keptMs, batchSize));
    total += removed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return total;
}
