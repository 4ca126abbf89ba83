import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { effectiveRolesMemory, effectiveRolesSql } from '../../src/local/authorization/access.ts';
import { allMigrations } from '../../src/local/modules.ts';
import { openStore, type Store, type Tx } from '../../src/local/store/database.ts';
import { type Memory, writeOf } from '../../src/local/store/memory.ts';
import { TestClock, temporaryFolder } from '../support/platform.ts';

const migrations = [
  {
    name: '001',
    sql: `CREATE TABLE parents (id TEXT PRIMARY KEY);
      CREATE TABLE children (id TEXT PRIMARY KEY, parent TEXT NOT NULL REFERENCES parents(id) ON DELETE CASCADE);
      CREATE TABLE others (id TEXT PRIMARY KEY)`,
  },
];

function start(path = ':memory:', clock = new TestClock()) {
  const store = openStore(path, migrations, clock);
  let reads = 0;
  const memory: Memory<string[]> = {
    tables: ['children'],
    most: 2,
    until: (ids) => (ids[0] === 'short' ? shortLife : Number.POSITIVE_INFINITY),
  };
  const shortLife = clock.now() + 1000;
  const children = (tx: Tx, key = 'all') =>
    tx.recall(memory, key, () => {
      reads += 1;
      return tx.all('SELECT id FROM children ORDER BY id').map(({ id }) => String(id));
    });
  const add = (parent: string, ...ids: string[]) =>
    store.transact((tx) => {
      tx.run('INSERT INTO parents (id) VALUES (?)', parent);
      for (const id of ids) tx.run('INSERT INTO children (id, parent) VALUES (?, ?)', id, parent);
    });
  return { store, clock, children, add, reads: () => reads };
}

const read = (store: Store, children: (tx: Tx, key?: string) => string[], key?: string) =>
  store.read((tx) => children(tx, key));

test('reads once, and again after a write to one of its tables only', () => {
  const { store, children, add, reads } = start();
  add('p', 'a');
  expect([read(store, children), read(store, children), reads()]).toEqual([['a'], ['a'], 1]);
  store.transact((tx) => tx.run('INSERT INTO others (id) VALUES (?)', 'x'));
  expect([read(store, children), reads()]).toEqual([['a'], 1]);
  store.transact((tx) => tx.run('UPDATE children SET id = ?', 'b'));
  expect([read(store, children), reads()]).toEqual([['b'], 2]);
});

test('a value of rows that are there is kept while others are added, and read again when one is changed or undone', async () => {
  const { store, add } = start();
  add('p', 'a');
  let reads = 0;
  const memory: Memory<string | undefined> = {
    tables: [],
    rows: ['children'],
    most: 9,
    until: (parent) => (parent === undefined ? 0 : Number.POSITIVE_INFINITY),
  };
  const parentOf = (tx: Tx, id: string) =>
    tx.recall(memory, id, () => {
      reads += 1;
      return tx.get('SELECT parent FROM children WHERE id = ?', id)?.['parent'] as string | undefined;
    });
  const seen = (id: string) => store.read((tx) => parentOf(tx, id));
  expect([seen('a'), seen('b'), reads]).toEqual(['p', undefined, 2]);
  add('q', 'b');
  expect([seen('a'), seen('b'), reads]).toEqual(['p', 'q', 3]);
  store.transact((tx) => tx.run('UPDATE children SET parent = ? WHERE id = ?', 'q', 'a'));
  expect([seen('a'), seen('b'), reads]).toEqual(['q', 'q', 5]);
  const upsert = "INSERT INTO children (id, parent) VALUES ('a', 'p') ON CONFLICT (id) DO UPDATE SET parent = 'p'";
  store.transact((tx) => tx.run(upsert));
  expect(seen('a')).toBe('p');
  const undone = store.commit((tx) => {
    tx.run("INSERT INTO children (id, parent) VALUES ('c', 'p')");
    expect(parentOf(tx, 'c')).toBe('p');
    throw new RangeError('no');
  });
  await Promise.allSettled([undone, store.commit((tx) => parentOf(tx, 'c'))]);
  expect(seen('c')).toBe(undefined);
  store.transact((tx) => tx.run("DELETE FROM children WHERE id = 'a'"));
  expect(seen('a')).toBe(undefined);
});

test('sees rows go that a deletion elsewhere takes with it', () => {
  const { store, children, add } = start();
  add('p', 'a');
  expect(read(store, children)).toEqual(['a']);
  store.transact((tx) => tx.run('DELETE FROM parents'));
  expect(read(store, children)).toEqual([]);
});

test('sees the writes of its own transaction, and forgets what was made of one that is undone', async () => {
  const { store, children, add } = start();
  add('p', 'a');
  const seen: string[][] = [];
  const fail = (tx: Tx) => {
    tx.run('INSERT INTO children (id, parent) VALUES (?, ?)', 'b', 'p');
    seen.push(children(tx));
    throw new RangeError('no');
  };
  expect(() => store.transact(fail)).toThrow(RangeError);
  expect([seen.at(-1), read(store, children)]).toEqual([['a', 'b'], ['a']]);
  const beside = store.commit((tx) => children(tx));
  await expect(store.commit(fail)).rejects.toThrow(RangeError);
  const after = store.commit((tx) => children(tx));
  expect([seen.at(-1), await beside, await after, read(store, children)]).toEqual([['a', 'b'], ['a'], ['a'], ['a']]);
});

test('sees what another process has written', async () => {
  const path = join(temporaryFolder(), 'platform.db');
  const one = start(path);
  const other = start(path);
  one.add('p', 'a');
  await turn();
  expect([read(one.store, one.children), read(other.store, other.children)]).toEqual([['a'], ['a']]);
  other.add('q', 'b');
  await turn();
  expect(read(one.store, one.children)).toEqual(['a', 'b']);
  one.store.close();
  other.store.close();
});

test('a value ends when it says so, and when the clock goes back', () => {
  const { store, clock, children, add, reads } = start();
  add('p', 'short');
  read(store, children);
  clock.advance(999);
  expect([read(store, children), reads()]).toEqual([['short'], 1]);
  clock.advance(1);
  expect([read(store, children), reads()]).toEqual([['short'], 2]);
  clock.advance(-500);
  expect([read(store, children), reads()]).toEqual([['short'], 3]);
});

test('keeps so many values and forgets the oldest', () => {
  const { store, children, add, reads } = start();
  add('p', 'a');
  for (const key of ['one', 'two', 'three', 'two', 'three', 'one']) read(store, children, key);
  expect(reads()).toBe(4);
});

test.each([
  ['INSERT INTO notes VALUES (?)', { table: 'notes', adds: true }],
  ['  insert into "notes" (a) values (1) ON CONFLICT (a) DO UPDATE SET a = 2', { table: 'notes', adds: false }],
  ['UPDATE notes SET a = 1', { table: 'notes', adds: false }],
  ['INSERT OR REPLACE INTO notes VALUES (?)', 'all'],
  ['REPLACE INTO notes VALUES (?)', 'all'],
  ['DELETE FROM notes', 'all'],
  ['WITH x AS (SELECT 1) DELETE FROM notes', 'all'],
  ['SELECT a FROM notes', undefined],
  ['PRAGMA data_version', undefined],
])('%s', (sql, write) => {
  expect(writeOf(sql)).toEqual(write);
});

test('no write to one table changes another, except where rows are deleted', () => {
  const sql = allMigrations()
    .map((migration) => migration.sql)
    .join('\n');
  expect(sql).not.toMatch(/\bTRIGGER\b|ON UPDATE|ON CONFLICT REPLACE/i);
});

test('what an identity holds is remembered with every table that is read for it', () => {
  const store = openStore(':memory:', allMigrations(), new TestClock());
  const views = new Map(
    store
      .read((tx) => tx.all("SELECT name, sql FROM sqlite_schema WHERE type = 'view'"))
      .map(({ name, sql }) => [String(name), String(sql)]),
  );
  const tablesIn = (sql: string): string[] =>
    [...sql.matchAll(/\b(?:FROM|JOIN)\s+(\w+)/g)].flatMap(([, name = '']) =>
      views.has(name) ? tablesIn(views.get(name) ?? '') : [name],
    );
  const tables = new Set([...tablesIn(effectiveRolesSql).filter((name) => name !== 'json_each'), 'roles']);
  expect([...effectiveRolesMemory.tables].sort()).toEqual([...tables].sort());
});
