// Files of the user's. Guarantees: a file is replaced whole or not at all, is never readable by others on the way, and a
// failure names the file and what to do.

import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CliError } from './errors.ts';
import { lstatIfExists, statIfExists } from './stats.ts';

export interface ReplaceOptions {
  /** Permissions of a file that is new, or whose own are not kept; 0600 unless said otherwise. */
  readonly mode?: number;
  /** Keep the permissions the file had. */
  readonly keepMode?: boolean;
  /** Replace what a symbolic link points at, so that the link stays a link. Otherwise the link itself is replaced. */
  readonly followSymlink?: boolean;
}

/**
 * Replaces `path` by a rename within its folder, flushed to the disk first. Folders on the way are made, for their owner
 * alone. Throws a `CliError` of kind `local`.
 */
export function replaceFile(path: string, content: string, options: ReplaceOptions = {}): void {
  try {
    const target = options.followSymlink ? followLinks(path) : path;
    const folder = dirname(target);
    makeFolder(folder, 0o700);
    const before = statIfExists(target);
    if (before?.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    // A rename would take a device such as /dev/null away from the whole machine.
    if (before?.isFile() === false) throw Object.assign(new Error('is no plain file'), { code: notPlain });
    // By chance and not by process id: containers that share a folder have the same ids.
    const temporary = join(folder, `.${basename(target)}.${temporaryName()}.tmp`);
    const file = openSync(temporary, 'wx', 0o600);
    try {
      try {
        writeFileSync(file, content);
        fchmodSync(file, options.keepMode && before ? before.mode & 0o7777 : (options.mode ?? 0o600));
        if (before) keepOwner(file, before);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, target);
    } catch (error) {
      unlinkIfExists(temporary);
      throw error;
    }
    flush(folder);
  } catch (error) {
    throw toFileError(error, 'write', path);
  }
}

/**
 * Makes a folder and those above it that are missing; true when it made any. Not Node's recursive mkdir: where a folder
 * cannot be made in one that is there, such as /proc, that one goes round for ever.
 */
export function makeFolder(path: string, mode: number): boolean {
  const missing: string[] = [];
  for (let at = path; statIfExists(at) === undefined && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      // Somebody else was faster.
      if (codeOf(error) !== 'EEXIST' || statIfExists(folder)?.isDirectory() !== true) throw error;
    }
  }
  return missing.length > 0;
}

/** The text of a file, or undefined when there is none. Throws a `CliError` of kind `local` when it cannot be read. */
export function readTextIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw toFileError(error, 'read', path);
  }
}

/**
 * Returns whether a path leads to something that is neither a file nor a folder. What cannot be looked at is left to
 * who uses it.
 */
export function isDeviceOrPipe(path: string): boolean {
  try {
    const stats = statIfExists(path);
    return stats !== undefined && !stats.isFile() && !stats.isDirectory();
  } catch {
    return false;
  }
}

/** Returns whether `entry` is what a killed process left of a replacement of `name`. */
export function isLeftover(entry: string, name: string): boolean {
  return entry.startsWith(`.${name}.`) && entry.endsWith('.tmp');
}

/** Removes a file; false when there was none. Throws a `CliError` of kind `local`. */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw toFileError(error, 'remove', path);
  }
}

const notPlain = 'not a plain file';

const reasons: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EROFS: ['the file system is read-only', 'choose a place that can be written'],
  EACCES: ['permission denied', 'check who owns the file and its folder'],
  EPERM: ['permission denied', 'check who owns the file and its folder'],
  ENOSPC: ['the disk is full', 'free some space and try again; nothing was changed'],
  EDQUOT: ['your disk quota is used up', 'free some space and try again; nothing was changed'],
  EFBIG: ['the file would be larger than this process may write', 'raise the limit with `ulimit -f`'],
  EISDIR: ['it is a folder', 'move the folder away or choose another file'],
  [notPlain]: ['it is a device, a pipe or a socket', 'choose a plain file'],
  ENOTDIR: ['a part of its path is a file', 'move that file away or choose another place'],
  EEXIST: ['a part of its path is a file', 'move that file away or choose another place'],
  ELOOP: ['its symbolic links go round in a circle', 'remove the link'],
  ENOENT: ['it does not exist', 'check the path'],
  EBUSY: ['it is in use, or mounted by itself', 'mount its folder instead of the file'],
  ENAMETOOLONG: ['its name is too long', 'choose a shorter one'],
  EMFILE: ['too many files are open', 'raise the limit with `ulimit -n`'],
};

/** The failure of a file operation as one sentence. A `CliError` passes through. */
export function toFileError(error: unknown, verb: 'read' | 'write' | 'remove', path: string): CliError {
  if (error instanceof CliError) return error;
  const code = verb === 'write' && codeOf(error) === 'ENOENT' ? whyNotMade(path) : codeOf(error);
  const [reason, hint] = reasons[code] ?? [code || 'unknown failure', undefined];
  return new CliError('local', `Cannot ${verb} "${path}": ${reason}`, {
    code: `local.cannot-${verb}`,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Making folders on a file system that is read-only ends with ENOENT; the nearest folder there is says what it means. */
function whyNotMade(path: string): string {
  let folder = dirname(path);
  while (statIfExists(folder) === undefined && dirname(folder) !== folder) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    return 'ENOENT';
  } catch (error) {
    return codeOf(error);
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Returns where a chain of symbolic links ends, whether or not anything is there. */
export function followLinks(path: string): string {
  let at = path;
  for (let steps = 0; steps < 40; steps += 1) {
    if (!lstatIfExists(at)?.isSymbolicLink()) return at;
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
}

function unlinkIfExists(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing there, which is what is wanted; anything else shows when the file is made.
  }
}

// Root writing a user's file (sudo) must not take it away from them.
function keepOwner(file: number, before: Stats): void {
  if (process.getuid?.() !== 0 || (before.uid === 0 && before.gid === 0)) return;
  fchownSync(file, before.uid, before.gid);
}

// The rename itself must survive a power cut. Windows and some network mounts cannot open a folder: then it may not.
/** Flushes a file or folder to the disk, where the system can. */
export function flush(path: string): void {
  try {
    const handle = openSync(path, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    return;
  }
}

/** A name no other writer has. Loaded when used: most commands write nothing, and node:crypto takes 3 ms. */
function temporaryName(): string {
  return process.getBuiltinModule('node:crypto').randomBytes(6).toString('hex');
}
