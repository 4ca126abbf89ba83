import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFolderLocked, lockFolder, PlatformBusyError } from '../../src/local/store/folder-lock.ts';
import { bundle, bundleEnv } from '../support/bundle.ts';
import { fakeHost } from '../support/fake-host.ts';

let program: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  program = await bundle(new URL('../support/folder-lock-worker.ts', import.meta.url).pathname);
});
afterAll(() => program.remove());

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
    exitOf(spawn(process.execPath, [program.path, cwd, '60'], { stdio: 'inherit', env: bundleEnv })),
  );
  expect(await Promise.all(workers)).toEqual([0, 0, 0, 0]);
  expect(readdirSync(cwd)).toEqual([]);
}, 60_000);
