// Run as a process of its own by test/platform/folder-lock.test.ts: takes and removes the lock of a folder again and again, and ends with 1 when it was not alone in between.
// folder-lock-worker FOLDER ROUNDS

import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderLock, lockFolder, PlatformBusyError } from '../../src/local/store/folder-lock.ts';

const [folder = '', rounds = ''] = process.argv.slice(2);
const alone = join(folder, 'alone');

function take(): FolderLock {
  for (;;) {
    try {
      return lockFolder(folder);
    } catch (error) {
      if (!(error instanceof PlatformBusyError)) throw error;
    }
  }
}

for (let round = 0; round < Number(rounds); round += 1) {
  const lock = take();
  // Fails when somebody else has made it.
  mkdirSync(alone);
  rmdirSync(alone);
  lock.remove();
}
