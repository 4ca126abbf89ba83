import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { isFolderLocked, lockFolder, PlatformBusyError } from '../../src/local/store/folder-lock.ts';
import { fakeHost } from '../support/fake-host.ts';

// Not bundled: the addon for SQLite is found from here.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const worker = join(import.meta.dirname, '..', 'support', 'folder-lock-worker.ts');

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

test('one holder, until it lets go or takes the lock away with it', () => {
  const { cwd } = fakeHost();
  expect(isFolderLocked(cwd)).toBe(false);
  for (const end of ['release', 'remove'] as const) {
    const lock = lockFolder(cwd);
    expect(isFolderLocked(cwd)).toBe(true);
    expect(() => lockFolder(cwd)).toThrow(PlatformBusyError);
    lock[end]();
    expect(isFolderLocked(cwd)).toBe(false);
  }
  expect(readdirSync(cwd)).toEqual([]);
});

test('whoever waited for a lock that is removed does not hold the one of a file that is gone', async () => {
  const { cwd } = fakeHost();
  const workers = Array.from({ length: 4 }, () =>
    exitOf(spawn(process.execPath, ['--import', tsx, worker, cwd, '60'], { stdio: 'inherit' })),
  );
  expect(await Promise.all(workers)).toEqual([0, 0, 0, 0]);
  expect(readdirSync(cwd)).toEqual([]);
}, 60_000);
