import type { Store } from '../store/database.ts';

const keptMs = 30 * 24 * 60 * 60 * 1000;
const batchSize = 1000;

/** Removes events older than thirty days with their delivery log; those still on their way stay. Gives their number. */
export async function pruneEvents(store: Store): Promise<number> {
  let total = 0;
  for (let removed = batchSize; removed === batchSize; ) {
    removed = store.transact((tx) =>
      tx.run(
        `DELETE FROM outbox WHERE seq IN (
           SELECT o.seq FROM outbox o WHERE o.created_at < ?
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = o.seq AND d.state = 'pending')
           LIMIT ?)`,
        tx.now - keptMs,
        batchSize,
      ),
    );
    total += removed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return total;
}
