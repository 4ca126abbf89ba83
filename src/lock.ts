// A lock between processes. Guarantees: at most one live holder; a holder that died is replaced without a race; nothing is
// left behind after a release. For a moment's change of a file; a platform holds its folder by local/store/folder-lock.ts, which
// never takes a holder that is paused for one that is gone, and wants SQLite for it.
//
// The lock is a folder that holds one file named by the holder's nonce. Taking it renames a prepared folder onto it, which
// the system does only when nothing or an empty folder is there. Releasing it, and taking it over, unlinks a file by its
// nonce, so a take-over that comes late can never remove the entry of somebody newer.

import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from './errors.ts';
import { codeOf, makeFolder, toFileError } from './files.ts';

export interface LockOptions {
  /** Milliseconds to wait for another holder; 60 000 unless said otherwise. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds a holder's heartbeat may stand still before it counts as gone; 15 000 unless said otherwise. */
  readonly staleMs?: number;
}

/** Runs `fn` while holding the lock at `path`. Throws kind `timeout` when somebody else keeps it too long. */
export async function withLock<T>(path: string, options: LockOptions, fn: () => Promise<T>): Promise<T> {
  const nonce = randomBytes(12).toString('hex');
  await acquire(path, nonce, options);
  const beat = setInterval(() => touch(join(path, nonce)), Math.min(2_000, (options.staleMs ?? 15_000) / 4));
  beat.unref();
  try {
    return await fn();
  } finally {
    clearInterval(beat);
    release(path, nonce);
  }
}

interface Sighting {
  readonly nonce: string;
  readonly modified: number;
  /** When this process first saw the heartbeat at that time, by its own monotonic clock: no two clocks are compared. */
  readonly since: number;
}

async function acquire(path: string, nonce: string, options: LockOptions): Promise<void> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const staleMs = options.staleMs ?? 15_000;
  const start = performance.now();
  let sighting: Sighting | undefined;
  for (let round = 0; ; round += 1) {
    options.signal?.throwIfAborted();
    sighting = look(path, sighting);
    if (sighting === undefined && take(path, nonce)) return;
    if (sighting !== undefined && (isDead(path, sighting) || performance.now() - sighting.since > staleMs)) {
      unlinkQuietly(join(path, sighting.nonce));
      continue;
    }
    if (performance.now() - start > timeoutMs) {
      throw new CliError('timeout', `Another chainctl has kept "${path}" locked for ${Math.ceil(timeoutMs / 1000)} s`, {
        code: 'local.locked',
        hint: 'wait for it, or end it, and try again',
      });
    }
    // Spread out, so that twenty waiters do not all look at the same moment.
    await delay(Math.min(10 + round * 5, 60) * (0.5 + Math.random()), undefined, { signal: options.signal }).catch(() =>
      options.signal?.throwIfAborted(),
    );
  }
}

/** True when the lock is now ours, false when somebody's entry is in it. */
function take(path: string, nonce: string): boolean {
  const prepared = `${path}.${nonce}`;
  try {
    makeFolder(dirname(path), 0o700);
    mkdirSync(prepared, { mode: 0o700 });
    writeFileSync(join(prepared, nonce), JSON.stringify(thisProcess()), { mode: 0o600 });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        renameSync(prepared, path);
        return true;
      } catch (error) {
        const code = codeOf(error);
        // Windows does not rename onto an empty folder: removing it first succeeds only while it is empty.
        if (code === 'EPERM' || code === 'EACCES') rmdirSync(path);
        else if (code !== 'ENOENT') throw error;
      }
    }
    throw Object.assign(new Error('not taken'), { code: 'ENOTEMPTY' });
  } catch (error) {
    unlinkQuietly(join(prepared, nonce));
    rmdirQuietly(prepared);
    const code = codeOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw toFileError(error, 'write', path);
  }
}

function release(path: string, nonce: string): void {
  unlinkQuietly(join(path, nonce));
  // Succeeds only while nobody else's entry is in it.
  rmdirQuietly(path);
}

function look(path: string, before: Sighting | undefined): Sighting | undefined {
  try {
    const nonce = readdirSync(path)[0];
    if (nonce === undefined) return undefined;
    const modified = statSync(join(path, nonce)).mtimeMs;
    if (before?.nonce === nonce && before.modified === modified) return before;
    return { nonce, modified, since: performance.now() };
  } catch {
    // It was released in between.
    return undefined;
  }
}

interface Holder {
  readonly pid: number;
  /** Tells this process from a later one with the same id; empty where the system does not say. */
  readonly started: string;
  readonly boot: string;
  readonly host: string;
}

function thisProcess(): Holder {
  return { pid: process.pid, started: startOf(process.pid) ?? '', boot: bootId(), host: hostname() };
}

/** True only when the holder certainly ran on this machine and certainly no longer does. */
function isDead(path: string, sighting: Sighting): boolean {
  let holder: Partial<Holder>;
  try {
    // Whatever is not an object with these members reads as members that match nothing.
    holder = (JSON.parse(readFileSync(join(path, sighting.nonce), 'utf8')) ?? {}) as Partial<Holder>;
  } catch {
    return false;
  }
  if (typeof holder.pid !== 'number' || holder.host !== hostname()) return false;
  if (holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
  const started = startOf(holder.pid);
  return started !== undefined && holder.started !== '' && started !== holder.started;
}

/** Returns when a process started, in ticks since boot; undefined where /proc does not say. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; what follows the last one are fields 3 and on, the start is field 22.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

// Two containers share a home folder and a host name more often than a boot and a process namespace.
function bootId(): string {
  try {
    const namespace = statSync('/proc/self/ns/pid').ino;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${namespace}`;
  } catch {
    return '';
  }
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Taken over: the holder finds out by what the lock protects, not by its heartbeat.
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    return;
  }
}

function rmdirQuietly(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    return;
  }
}
