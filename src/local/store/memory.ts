// Caches values read from the store. Guarantees: what is recalled is what reading it again would give, in this
// process's own transactions as well as after those of another process (`local token` writes to the same file).

/** One kind of thing to remember. Declared once, beside the function that reads it. */
export interface Memory<T> {
  /** Every table that is read to make a value, but for those in `rows`. */
  readonly tables: readonly string[];
  /**
   * Tables of which only rows that are there were read, each by its key, so that a new row changes no value. What was made of a
   * row that is missing must not be kept (`until`).
   */
  readonly rows?: readonly string[];
  /** How many values are kept; the oldest goes first. */
  readonly most: number;
  /** When a value ends by itself, in milliseconds since the epoch; never without. One that has ended is not kept. */
  readonly until?: (value: T) => number;
}

interface Kept {
  readonly value: unknown;
  readonly version: number;
  /** Milliseconds since the epoch: a clock that was set back makes it worthless. */
  readonly since: number;
  readonly until: number;
}

export interface Memories {
  recall<T>(memory: Memory<T>, key: string, now: number, make: () => T): T;
  /** Called for each statement that is run. */
  noteWrite(write: Write | undefined): void;
  /** A write that is rolled back was never there, whatever was made of it meanwhile. */
  noteUndo(): void;
}

/**
 * The table that a statement writes to, and whether it only adds rows; or `all` where deleting a row may delete others
 * (`ON DELETE CASCADE`).
 */
export type Write = { readonly table: string; readonly adds: boolean } | 'all';

/** Returns what a statement writes; undefined for one that only reads. */
export function writeOf(sql: string): Write | undefined {
  const [, verb = '', table] = /^\s*(INSERT\s+INTO|UPDATE)\s+"?(\w+)/i.exec(sql) ?? [];
  if (table !== undefined) return { table, adds: /^I/i.test(verb) && !/\bON\s+CONFLICT\b/i.test(sql) };
  return /^\s*(?:SELECT|PRAGMA)\b/i.test(sql) ? undefined : 'all';
}

/** `foreignVersion` changes whenever another connection has written. */
export function createMemories(foreignVersion: () => unknown): Memories {
  const kept = new Map<Memory<never>, Map<string, Kept>>();
  /** Writes of each table, and those of them that may have changed a row. */
  const counts = new Map<string, { writes: number; changes: number }>();
  let all = 0;
  let foreign: unknown;
  let isChecked = false;

  /** Once in a turn of the event loop: nobody here can have learned meanwhile what another process did. */
  const lookAtOthers = (): void => {
    if (isChecked) return;
    isChecked = true;
    setImmediate(() => {
      isChecked = false;
    });
    const version = foreignVersion();
    if (version !== foreign) all += 1;
    foreign = version;
  };

  /** Grows with every write that may make another value. */
  const versionOf = ({ tables, rows = [] }: Memory<never>): number => {
    let version = all;
    for (const table of tables) version += counts.get(table)?.writes ?? 0;
    for (const table of rows) version += counts.get(table)?.changes ?? 0;
    return version;
  };

  return {
    recall<T>(memory: Memory<T>, key: string, now: number, make: () => T): T {
      lookAtOthers();
      let values = kept.get(memory as Memory<never>);
      if (values === undefined) {
        values = new Map();
        kept.set(memory as Memory<never>, values);
      }
      const version = versionOf(memory as Memory<never>);
      const known = values.get(key);
      // Only `make` of the same memory has put it there.
      if (known?.version === version && known.since <= now && now < known.until) return known.value as T;
      const value = make();
      const until = memory.until?.(value) ?? Number.POSITIVE_INFINITY;
      values.delete(key);
      if (until <= now) return value;
      const [oldest] = values.keys();
      if (values.size >= memory.most && oldest !== undefined) values.delete(oldest);
      values.set(key, { value, version, since: now, until });
      return value;
    },
    noteWrite(write) {
      if (write === undefined) return;
      if (write === 'all') {
        all += 1;
        return;
      }
      const count = counts.get(write.table) ?? { writes: 0, changes: 0 };
      count.writes += 1;
      if (!write.adds) count.changes += 1;
      counts.set(write.table, count);
    },
    noteUndo() {
      all += 1;
    },
  };
}
