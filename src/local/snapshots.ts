// Copies of everything a platform holds, beside it in its folder. Guarantees: a copy is one moment of the platform, running or
// not; a copy that was not finished is none; loading one replaces the database in one step, and adds blobs but removes none.

import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, flush } from '../files.ts';
import { loadDriver } from './store/database.ts';

export interface Snapshot {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly savedAt: number;
  /** Bytes of its database; blobs are shared with the platform. */
  readonly size: number;
}

const isSnapshotName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/.test(name);

const folderOf = (dataDir: string, name: string) => join(dataDir, 'snapshots', name);
const databaseOf = (dataDir: string, name: string) => join(folderOf(dataDir, name), 'platform.db');

export const hasSnapshot = (dataDir: string, name: string): boolean => existsSync(databaseOf(dataDir, name));

/** Replaces an earlier one of the same name. The platform may be running. */
export function saveSnapshot(dataDir: string, name: string): void {
  const target = folderOf(dataDir, name);
  const prepared = `${target}.new`;
  rmSync(prepared, { recursive: true, force: true });
  mkdirSync(prepared, { recursive: true, mode: 0o700 });
  // Twice: what was pushed while the database was copied is in it, and what was deleted meanwhile is linked already.
  linkBlobs(dataDir, prepared);
  copyDatabase(join(dataDir, 'platform.db'), join(prepared, 'platform.db'));
  linkBlobs(dataDir, prepared);
  const old = `${target}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(target)) renameSync(target, old);
  renameSync(prepared, target);
  rmSync(old, { recursive: true, force: true });
}

/** The same into a folder that is there and empty. */
export function copyPlatform(dataDir: string, target: string): void {
  linkBlobs(dataDir, target);
  copyDatabase(join(dataDir, 'platform.db'), join(target, 'platform.db'));
  linkBlobs(dataDir, target);
}

/** By name. What a killed process has left is none. */
export function listSnapshots(dataDir: string): Snapshot[] {
  const folder = join(dataDir, 'snapshots');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => isSnapshotName(name) && !/\.(new|old)$/.test(name) && hasSnapshot(dataDir, name))
    .sort()
    .map((name) => {
      const { mtimeMs, size } = statSync(databaseOf(dataDir, name));
      return { name, savedAt: Math.floor(mtimeMs), size };
    });
}

/** The platform must not be running: the caller holds the folder's lock. */
export function loadSnapshot(dataDir: string, name: string): void {
  const path = join(dataDir, 'platform.db');
  const prepared = `${path}.new`;
  rmSync(prepared, { force: true });
  // Blobs first: once the database is there, whatever it names is too.
  linkBlobs(folderOf(dataDir, name), dataDir);
  copyFileSync(databaseOf(dataDir, name), prepared);
  flush(prepared);
  // A log left of the old database would be taken for one of the new.
  if (existsSync(path)) emptyLog(path);
  renameSync(prepared, path);
  flush(dirname(path));
}

export function deleteSnapshot(dataDir: string, name: string): void {
  rmSync(folderOf(dataDir, name), { recursive: true, force: true });
}

/** How many rows a table of the platform has, and how many of them are only in one of the two. */
export interface TableDifference {
  readonly table: string;
  readonly added: number;
  readonly removed: number;
}

/**
 * Returns what the platform has and the snapshot has not, and the other way round; tables that are equal are left out.
 */
export function compareSnapshot(dataDir: string, name: string): TableDifference[] {
  const Database = loadDriver();
  const handle = new Database(join(dataDir, 'platform.db'), { readOnly: true });
  try {
    handle.prepare('ATTACH DATABASE ? AS saved').run(databaseOf(dataDir, name));
    const tablesIn = (schema: 'main' | 'saved') =>
      handle
        .prepare(
          `SELECT name FROM ${schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
        )
        .all()
        .map((row) => String((row as { name: unknown }).name));
    const saved = new Set(tablesIn('saved'));
    const count = (sql: string) => Number((handle.prepare(sql).get() as { n: unknown }).n);
    return tablesIn('main')
      .filter((table) => saved.has(table))
      .map((table) => {
        const [now, then] = [`SELECT * FROM main."${table}"`, `SELECT * FROM saved."${table}"`];
        return {
          table,
          added: count(`SELECT count(*) AS n FROM (${now} EXCEPT ${then})`),
          removed: count(`SELECT count(*) AS n FROM (${then} EXCEPT ${now})`),
        };
      })
      .filter(({ added, removed }) => added + removed > 0);
  } finally {
    handle.close();
  }
}

/** One consistent moment, whoever writes meanwhile. */
function copyDatabase(from: string, to: string): void {
  const Database = loadDriver();
  const handle = new Database(from);
  try {
    handle.exec('PRAGMA busy_timeout = 10000');
    handle.prepare('VACUUM INTO ?').run(to);
  } finally {
    handle.close();
  }
  flush(to);
}

function emptyLog(path: string): void {
  const Database = loadDriver();
  const handle = new Database(path);
  try {
    handle.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    handle.close();
  }
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
}

/** Blobs are named by what they hold and never change, so a link is a copy. */
function linkBlobs(from: string, to: string): void {
  const source = join(from, 'blobs');
  if (!existsSync(source)) return;
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = join(to, 'blobs', path.slice(source.length + 1));
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    try {
      linkSync(path, target);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      // Deleted meanwhile, so the database that is copied does not name it any more.
      if (codeOf(error) === 'ENOENT') continue;
      // A file system without links.
      copyFileSync(path, target);
    }
  }
}
