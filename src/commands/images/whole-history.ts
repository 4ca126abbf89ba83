interface Update {
  readonly updateTimestamp?: string;
  readonly digest?: string;
}

/** Entries that the platform gives at once (protocols 7.4). */
const most = 1000;

/** All of a tag's history, oldest first as the platform tells it: a full answer is gone on from at its end. */
export async function wholeHistory<T extends Update>(
  ask: (start: string | undefined) => Promise<readonly T[]>,
): Promise<T[]> {
  const all: T[] = [];
  const seen = new Set<string>();
  let start: string | undefined;
  for (;;) {
    const updates = await ask(start);
    const before = all.length;
    for (const update of updates) {
      const key = `${update.updateTimestamp} ${update.digest}`;
      // The bound is inclusive.
      if (!seen.has(key)) all.push(update);
      seen.add(key);
    }
    if (updates.length < most || all.length === before) return all;
    start = updates.at(-1)?.updateTimestamp;
  }
}
