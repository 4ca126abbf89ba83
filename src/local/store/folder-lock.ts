// One platform per data folder. Promises: the lock is the kernel's, held through SQLite on `lock.db`, so a process that
// is killed lets go of it by dying; nothing on disk can be left behind that looks like a lock.

import { closeSync, existsSync, openSync } from 'node:fs';
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
}

/** Takes the folder, which must exist. Throws PlatformBusyError when it is taken for longer than a probe takes. */
export function lockFolder(dataDir: string): FolderLock {
  const path = join(dataDir, 'lock.db');
  createPrivateFile(path);
  const handle = new (loadDriver())(path);
  try {
    // isFolderLocked() of somebody else holds a shared lock for an instant; that is not a running platform.
    handle.exec('PRAGMA busy_timeout = 250');
    handle.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    handle.close();
    throw isBusy(error) ? new PlatformBusyError(dataDir) : error;
  }
  return {
    release() {
      handle.exec('ROLLBACK');
      handle.close();
    },
  };
}

/** Whether a platform is running on the folder; false for a folder that does not exist. Changes nothing. */
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
