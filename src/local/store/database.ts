// SQLite behind one narrow door. Guarantees: `transact` runs one synchronous transaction that is on disk before it
// returns (WAL, synchronous FULL); a function that throws leaves no trace.

import { createRequire } from 'node:module';
import { createGroupCommit, type GroupCommit, type Outcome } from './group-commit.ts';
import { createMemories, type Memory, type Write, writeOf } from './memory.ts';

/** Values SQLite takes and gives. No booleans and no undefined: runtimes disagree on them. */
export type SqlValue = string | number | bigint | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  iterate(...values: SqlValue[]): Iterable<unknown>;
}

interface Prepared {
  readonly statement: Statement;
  readonly write: Write | undefined;
}

interface Handle {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
  /** Whether a transaction is open; not every runtime can tell. */
  readonly isTransaction?: boolean;
}

type Driver = new (path: string, options?: { readOnly?: boolean }) => Handle;

/** Store as services see it: only inside `transact` or `read`. */
export interface Tx {
  /** Time of this transaction, milliseconds since the epoch. */
  readonly now: number;
  randomBytes(count: number): Uint8Array;
  run(sql: string, ...values: SqlValue[]): number;
  get(sql: string, ...values: SqlValue[]): SqlRow | undefined;
  all(sql: string, ...values: SqlValue[]): SqlRow[];
  /** Rows one by one; the transaction must stay open meanwhile. */
  iterate(sql: string, ...values: SqlValue[]): Iterable<SqlRow>;
  /**
   * Returns what `make` gave for this key before, while none of the memory's tables was written to; else asks it again.
   */
  recall<T>(memory: Memory<T>, key: string, make: () => T): T;
  /** Leaves work for when all else of this transaction is done, e.g. what has to come behind its caller's own event. */
  atEnd(work: () => void): void;
}

export interface StoreClock {
  now(): number;
  randomBytes(count: number): Uint8Array;
}

export interface Store {
  /** One write transaction. Nested calls are a programming error and throw. */
  transact<T>(work: (tx: Tx) => T): T;
  /** The same for many requests at once: those of one moment share the wait for the disk. */
  readonly commit: GroupCommit<Tx>;
  /** One consistent read. Costs nothing while all of it can be recalled. */
  read<T>(work: (tx: Tx) => T): T;
  /** Called after each commit that wrote; for dispatchers. Returns a function that stops the calls. */
  onCommit(listener: () => void): () => void;
  close(): void;
}

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** The file has been written by a version that knows more; nothing of it has been changed. */
export class NewerStoreError extends Error {
  override readonly name = 'NewerStoreError';

  constructor(path: string) {
    super(`"${path}" was written by a newer version`);
  }
}

/**
 * Opens or creates the database file and applies the migrations it lacks, in order. Throws NewerStoreError for one that
 * has others.
 */
export function openStore(path: string, migrations: readonly Migration[], clock: StoreClock): Store {
  const Database = loadDriver();
  const handle = new Database(path);
  handle.exec('PRAGMA busy_timeout = 10000');
  try {
    refuseNewer(handle, path, migrations);
  } catch (error) {
    handle.close();
    throw error;
  }
  handle.exec('PRAGMA journal_mode = WAL');
  // FULL is what survives power loss; NORMAL would only survive a killed process.
  handle.exec('PRAGMA synchronous = FULL');
  handle.exec('PRAGMA foreign_keys = ON');
  // Kilobytes. A list in the order of ids jumps about in the file; with SQLite's 2 MB each row is read from the system.
  handle.exec('PRAGMA cache_size = -32000');
  migrate(handle, migrations);

  const statements = new Map<string, Prepared>();
  const listeners = new Set<() => void>();
  let open = false;

  const prepare = (sql: string): Prepared => {
    let prepared = statements.get(sql);
    if (prepared === undefined) {
      prepared = { statement: handle.prepare(sql), write: writeOf(sql) };
      statements.set(sql, prepared);
    }
    return prepared;
  };
  const order = (sql: string): void => void prepare(sql).statement.run();
  const memories = createMemories(() => (prepare('PRAGMA data_version').statement.get() as SqlRow)['data_version']);

  /** `before` is called before each statement, with what it writes. */
  const createTx = (before: (write: Write | undefined) => void): { readonly tx: Tx; readonly finish: () => void } => {
    const last: (() => void)[] = [];
    const ready = (sql: string): Statement => {
      const { statement, write } = prepare(sql);
      before(write);
      memories.noteWrite(write);
      return statement;
    };
    const now = clock.now();
    const tx: Tx = {
      now,
      randomBytes: (count) => clock.randomBytes(count),
      run: (sql, ...values) => Number(ready(sql).run(...values).changes),
      get: (sql, ...values) => ready(sql).get(...values) as SqlRow | undefined,
      all: (sql, ...values) => ready(sql).all(...values) as SqlRow[],
      iterate: (sql, ...values) => ready(sql).iterate(...values) as Iterable<SqlRow>,
      recall: (memory, key, make) => memories.recall(memory, key, now, make),
      atEnd: (rest) => void last.push(rest),
    };
    return {
      tx,
      finish() {
        for (const rest of last) rest();
      },
    };
  };

  const perform = <T>(work: (tx: Tx) => T, before: (write: Write | undefined) => void): T => {
    const { tx, finish } = createTx(before);
    const result = work(tx);
    if (result instanceof Promise) throw new Error('a transaction must be synchronous');
    finish();
    return result;
  };

  /** Begins with the first statement, or at once. */
  const within = <T>(mode: 'IMMEDIATE' | 'DEFERRED', work: (begin: () => void) => T): T => {
    if (open) throw new Error('transactions do not nest');
    open = true;
    let begun = false;
    const begin = (): void => {
      if (begun) return;
      order(`BEGIN ${mode}`);
      begun = true;
    };
    try {
      if (mode === 'IMMEDIATE') begin();
      const result = work(begin);
      if (begun) order('COMMIT');
      return result;
    } catch (error) {
      if (begun) undo(handle);
      if (mode === 'IMMEDIATE') memories.noteUndo();
      throw error;
    } finally {
      open = false;
    }
  };

  const transact = <T>(work: (tx: Tx) => T): T => {
    const result = within('IMMEDIATE', (begin) => perform(work, begin));
    for (const listener of listeners) listener();
    return result;
  };

  const nothing = (): void => {};
  const apart = (write: (tx: Tx) => unknown): Outcome => {
    order('SAVEPOINT apart');
    try {
      const result = perform(write, nothing);
      order('RELEASE apart');
      return { result };
    } catch (error) {
      memories.noteUndo();
      try {
        order('ROLLBACK TO apart');
        order('RELEASE apart');
      } catch {
        // SQLite has given up the whole transaction, after a full disk for one.
        throw error;
      }
      return { error };
    }
  };
  /**
   * Without savepoints, each of which copies every page that is changed behind it. Throws `redo` when one failed that had
   * written already.
   */
  const together = (writes: readonly ((tx: Tx) => unknown)[]): Outcome[] =>
    writes.map((write) => {
      let hasWritten = false;
      const note = (statement: Write | undefined): void => {
        hasWritten ||= statement !== undefined;
      };
      let outcome: Outcome;
      try {
        outcome = { result: perform(write, note) };
      } catch (error) {
        if (hasWritten) throw redo;
        outcome = { error };
      }
      // After a full disk, for one, SQLite has given up the transaction.
      if (handle.isTransaction !== true) throw redo;
      return outcome;
    });
  const canTell = typeof handle.isTransaction === 'boolean';
  const attempt = (work: () => Outcome[]): Outcome[] | undefined => {
    try {
      return within('IMMEDIATE', work);
    } catch (error) {
      if (error === redo) return undefined;
      throw error;
    }
  };
  const transactEach = (writes: readonly ((tx: Tx) => unknown)[]): Outcome[] => {
    const [only, ...more] = writes;
    if (only !== undefined && more.length === 0) return [{ result: transact(only) }];
    const outcomes = canTell ? attempt(() => together(writes)) : undefined;
    const settled = outcomes ?? within('IMMEDIATE', () => writes.map(apart));
    for (const listener of listeners) listener();
    return settled;
  };

  return {
    transact,
    commit: createGroupCommit(transactEach),
    read: (work) => within('DEFERRED', (begin) => perform(work, begin)),
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      statements.clear();
      emptyLog(handle);
      handle.close();
    },
  };
}

/** Nothing of a group is kept, and each of its writes is done again in a savepoint of its own. */
const redo = new Error('a write failed that had written');

/**
 * So that the file alone is the whole state after a good end. SQLite does it when the last connection closes, but the
 * addon's statements keep theirs open until they are collected.
 */
function emptyLog(handle: Handle): void {
  try {
    handle.exec('PRAGMA busy_timeout = 0');
    handle.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // The disk is full: then the log stays, and the next start reads it.
  }
}

/** SQLite has already rolled back by itself after a full disk or a failed write; that must not hide the first error. */
function undo(handle: Handle): void {
  try {
    handle.exec('ROLLBACK');
  } catch {
    // Nothing was open any more.
  }
}

/** There is no way back: what a newer version has changed, this one would read wrongly and write over. */
function refuseNewer(handle: Handle, path: string, migrations: readonly Migration[]): void {
  // Nothing here sets it; a version that does has a reason.
  const version = handle.prepare('PRAGMA user_version').get() as { user_version: number };
  const known = new Set(migrations.map(({ name }) => name));
  if (version.user_version !== 0 || appliedTo(handle).some((name) => !known.has(name))) throw new NewerStoreError(path);
}

/** Applies what is missing, in one transaction: a new file waits for the disk once. */
function migrate(handle: Handle, migrations: readonly Migration[]): void {
  const missing = withoutApplied(handle, migrations);
  if (missing.length === 0) return;
  handle.exec('BEGIN IMMEDIATE');
  try {
    handle.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT');
    const note = handle.prepare('INSERT INTO migrations (name) VALUES (?)');
    // Again, now that nobody else can write.
    for (const { name, sql } of withoutApplied(handle, migrations)) {
      handle.exec(sql);
      note.run(name);
    }
    handle.exec('COMMIT');
  } catch (error) {
    undo(handle);
    throw error;
  }
}

function withoutApplied(handle: Handle, migrations: readonly Migration[]): Migration[] {
  const applied = new Set(appliedTo(handle));
  return migrations.filter(({ name }) => !applied.has(name));
}

function appliedTo(handle: Handle): string[] {
  const isThere = handle.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get() !== undefined;
  const rows = isThere ? (handle.prepare('SELECT name FROM migrations').all() as { name: string }[]) : [];
  return rows.map(({ name }) => name);
}

/** `node:sqlite` where Node has it without a flag and without a warning, the addon below that. */
export function loadDriver(): Driver {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) {
    const builtin = process.getBuiltinModule('node:sqlite') as unknown as { DatabaseSync: Driver };
    return builtin.DatabaseSync;
  }
  const load = createRequire(import.meta.url);
  return (load('@photostructure/sqlite') as { DatabaseSync: Driver }).DatabaseSync;
}
