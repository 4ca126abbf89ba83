// One platform per data folder. Guarantees: the lock is the kernel's, held through SQLite on `lock.db`, so a process
// that is killed lets go of it by dying; nothing on disk can be left behind that looks like a lock. It does not wait;
// changes of files that take a moment wait for each other by src/lock.ts, without SQLite.

import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadDriver } from './database.ts';

/** Another process, or another platform in this one, is using the folder. */
export class PlatformBusyError extends Error {
  override readonly name = 'PlatformBusyError';
  readonly dataDir: string;

  constructor(dataDir: string) {
    super(`a platform is already running on "${dataDir}"`);
    this.dataDir = dataDir;
  }
}

export interface FolderLock {
  release(): void;
  /** Releases it and leaves no file of it. */
  remove(): void;
}

/** Takes the folder, which must exist. Throws PlatformBusyError when it is taken for longer than a probe takes. */
export function lockFolder(dataDir: string): FolderLock {
  const path = join(dataDir, 'lock.db');
  for (;;) {
    createPrivateFile(path);
    const opened = fileAt(path);
    const handle = new (loadDriver())(path);
    // If another holder has removed it meanwhile, this is the lock of a file that nobody else will look at.
    const isThere = () => opened !== undefined && fileAt(path) === opened;
    try {
      // isFolderLocked() of somebody else holds a shared lock for an instant; that is not a running platform.
      handle.exec('PRAGMA busy_timeout = 250');
      handle.exec('BEGIN EXCLUSIVE');
      const release = (): void => {
        handle.exec('ROLLBACK');
        handle.close();
      };
      if (isThere()) return { release, remove: () => removeHeld(path, release) };
      release();
    } catch (error) {
      // SQLite fails in ways of its own on a file that is gone.
      const isFinal = isBusy(error) || isThere();
      handle.close();
      if (isFinal) throw isBusy(error) ? new PlatformBusyError(dataDir) : error;
    }
  }
}

/** Tells a file from another of the same name; undefined when there is none. Numbers of files alone come back. */
function fileAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.birthtimeNs}`;
}

/** While it is held where the system can: once it is free, it is the next one's. */
function removeHeld(path: string, release: () => void): void {
  if (process.platform !== 'win32') {
    rmSync(path);
    release();
    return;
  }
  release();
  try {
    rmSync(path);
  } catch {
    // The next one has it open, and Windows keeps what is open.
  }
}

/** Returns whether a platform is running on the folder; false for a folder that does not exist. Changes nothing. */
export function isFolderLocked(dataDir: string): boolean {
  const path = join(dataDir, 'lock.db');
  if (!existsSync(path)) return false;
  const handle = new (loadDriver())(path, { readOnly: true });
  try {
    handle.exec('PRAGMA busy_timeout = 0');
    handle.prepare('SELECT COUNT(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    handle.close();
  }
}

/** SQLite would create it readable by everybody. */
export function createPrivateFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

/** Both drivers put SQLite's own sentence for SQLITE_BUSY into the message. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is locked/.test(error.message);
}
