import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlatformUrls } from './core/types.ts';
import { loadDriver } from './store/database.ts';
import { isFolderLocked } from './store/folder-lock.ts';

/** `platform.json` of a running platform: what other processes need to find it and to stop it. */
export interface PlatformFile extends PlatformUrls {
  readonly dataDir: string;
  readonly pid: number;
}

/**
 * The platform that is running on the folder now; a file left behind by one that was killed does not count. Throws a
 * SyntaxError for a file that is damaged.
 */
export function findPlatform(dataDir: string): PlatformFile | undefined {
  // The lock is asked first: while it is held, whoever holds it writes and removes the file.
  if (!isFolderLocked(dataDir)) return undefined;
  try {
    return parse(readFileSync(pathIn(dataDir), 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns who serves the folder, as the platform has noted beside its data; undefined when nobody does. */
export function findServingProcess(dataDir: string): number | undefined {
  if (!isFolderLocked(dataDir)) return undefined;
  const handle = new (loadDriver())(join(dataDir, 'platform.db'), { readOnly: true });
  try {
    const row = handle.prepare("SELECT value FROM meta WHERE key = 'pid'").get() as { value: string } | undefined;
    return row === undefined ? undefined : Number(row.value);
  } finally {
    handle.close();
  }
}

export function writePlatformFile(file: PlatformFile): void {
  const path = pathIn(file.dataDir);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

export function removePlatformFile(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true });
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'platform.json');
}

function parse(text: string): PlatformFile {
  const file = JSON.parse(text) as Partial<PlatformFile> | null;
  const { api, issuer, registry, console, dataDir, pid } = file ?? {};
  const isWhole = [api, issuer, registry, console, dataDir].every((value) => typeof value === 'string' && value !== '');
  // Zero and below would be a signal to a whole group of processes.
  if (!isWhole || !Number.isSafeInteger(pid) || Number(pid) < 1) throw new SyntaxError('it lacks what belongs there');
  return { api, issuer, registry, console, dataDir, pid } as PlatformFile;
}
