// Locates token files and decides when a file of them may be believed. Loads nothing but node:fs and node:path: the
// Docker helper's fast path is this module (performance, credential helper).

import { readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { lstatIfExists } from '../stats.ts';

export const tokenFileName = 'oidc-token';
export const refreshFileName = 'refresh-token';
/** Ours; other readers of the cache ignore the name (protocols Q10). */
export const recordFileName = 'login.json';

/** Logins of contexts whose audience another context has too; below it a folder for each. */
export const contextsFolderName = 'contexts';

/** The folder of all audiences, below the user's cache folder (semantics 3.4). */
export function cacheRootIn(cacheFolder: string): string {
  return join(cacheFolder, 'chainguard');
}

/** The folder name of an audience. Lossy on purpose: others compute the same one (semantics 3.4). */
export function audienceFolder(audience: string, platform: NodeJS.Platform): string {
  const name = audience.replaceAll('/', '-');
  return platform === 'win32' ? name.replaceAll(':', '-') : name;
}

/** A file or folder of the cache that is not to be trusted. */
export class UnsafeCacheError extends Error {
  override readonly name = 'UnsafeCacheError';
  readonly path: string;
  /** Next step. */
  readonly fix: string;

  constructor(path: string, reason: string, fix: string) {
    super(`"${path}" ${reason}`);
    this.path = path;
    this.fix = fix;
  }
}

const maxTokenBytes = 1024 * 1024;

/**
 * A secret of the cache without white space around it; undefined when there is none. Throws an `UnsafeCacheError` when
 * others could have read or planted it, and the file system's error when it cannot be read.
 */
export function readSecret(root: string, folder: string, name: string): string | undefined {
  const path = join(folder, name);
  const stats = lstatIfExists(path);
  if (stats === undefined) return undefined;
  // From the root down: a folder that others may change makes everything in it worthless.
  checkCacheFolder(root);
  checkCacheFolder(folder);
  if (!stats.isFile())
    throw new UnsafeCacheError(path, 'is not a plain file', `remove it with \`rm -r ${quoted(path)}\``);
  checkOwner(path, stats);
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    throw new UnsafeCacheError(path, 'can be read by others', `run \`chmod 600 ${quoted(path)}\``);
  }
  if (stats.size > maxTokenBytes) return '';
  return readFileSync(path, 'utf8').trim();
}

/** Throws an `UnsafeCacheError` for a link, for somebody else's folder and for one that others can look into. */
export function checkCacheFolder(path: string): void {
  const stats = lstatIfExists(path);
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    throw new UnsafeCacheError(path, 'is not a plain folder', `remove it with \`rm ${quoted(path)}\``);
  }
  checkOwner(path, stats);
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    throw new UnsafeCacheError(path, 'is open to others', `run \`chmod 700 ${quoted(path)}\``);
  }
}

function checkOwner(path: string, stats: Stats): void {
  const user = process.getuid?.();
  if (user !== undefined && stats.uid !== user) {
    throw new UnsafeCacheError(path, 'belongs to another user', 'run chainctl as its owner, or remove it');
  }
}

function quoted(path: string): string {
  return /^[\w./:@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
