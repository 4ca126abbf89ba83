// Writes of one moment in one commit. Guarantees: a write is on disk when its promise resolves; one that throws is
// rejected alone and leaves no trace; when the commit fails, each of its writes is rejected and none is kept.

/** Resolves with what the write returns. */
export type GroupCommit<Tx> = <Result>(write: (tx: Tx) => Result) => Promise<Result>;

/** Outcome of one of several writes. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/**
 * Returns what writes in a shared transaction. A commit waits for the disk, so the more requests wait, the more share
 * it. `transactEach` throws when nothing was kept.
 */
export function createGroupCommit<Tx>(
  transactEach: (writes: readonly ((tx: Tx) => unknown)[]) => Outcome[],
): GroupCommit<Tx> {
  interface Waiting {
    readonly write: (tx: Tx) => unknown;
    readonly settle: (outcome: Outcome) => void;
  }
  let waiting: Waiting[] = [];
  const commit = (): void => {
    const group = waiting;
    waiting = [];
    let outcomes: Outcome[];
    try {
      outcomes = transactEach(group.map(({ write }) => write));
    } catch (error) {
      outcomes = group.map(() => ({ error }));
    }
    for (const [at, { settle }] of group.entries())
      settle(outcomes[at] ?? { error: new Error('a write was left out') });
  };
  return <Result>(write: (tx: Tx) => Result) =>
    new Promise<Result>((resolve, reject) => {
      const settle = (outcome: Outcome): void => {
        // The outcome is that of this write.
        if ('result' in outcome) resolve(outcome.result as Result);
        else reject(outcome.error);
      };
      if (waiting.push({ write, settle }) === 1) setImmediate(commit);
    });
}
