// Writes of one moment in one commit. Guarantees: a write is on disk when its promise resolves; when the commit fails, each
// of its writes is rejected and none is kept.

import type { Store, Tx } from './database.ts';

/** Resolves with what the write returns. */
export type GroupCommit = <Result>(write: (tx: Tx) => Result) => Promise<Result>;

/** Returns what writes in a shared transaction. A commit waits for the disk, so the more requests wait, the more share it. */
export function createGroupCommit(store: Store): GroupCommit {
  let waiting: ((tx: Tx) => void)[] = [];
  let commit: Promise<void> | undefined;
  const commitLater = (): Promise<void> =>
    new Promise((resolve, reject) => {
      setImmediate(() => {
        const writes = waiting;
        waiting = [];
        commit = undefined;
        try {
          store.transact((tx) => {
            for (const write of writes) write(tx);
          });
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  return async (write) => {
    const results: ReturnType<typeof write>[] = [];
    waiting.push((tx) => void results.push(write(tx)));
    commit ??= commitLater();
    await commit;
    // The commit that was awaited ran the write.
    return results[0] as ReturnType<typeof write>;
  };
}
