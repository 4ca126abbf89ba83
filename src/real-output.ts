// Standard output and standard error. Guarantees: text goes through write(2) without process.stdout, which costs
// milliseconds and may cut what a slow reader has not taken yet.

import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { CliError, OutputClosed } from './errors.ts';
import type { HostOutput } from './host.ts';
import { isTerminal } from './real-terminal.ts';

export function createOutput(fd: 1 | 2): HostOutput {
  let closed = false;
  let eager: number | undefined;
  const isTty = isTerminal(fd);
  const writeSome = (bytes: Buffer, offset: number): number => {
    try {
      eager ??= openEager(fd);
      return writeSync(eager, bytes, offset);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    return endedBySignals(() => writePatiently(fd, bytes, offset));
  };
  return {
    isTty,
    get columns() {
      const fromEnv = Number(process.env['COLUMNS']);
      const real = isTty ? (fd === 1 ? process.stdout : process.stderr).columns : undefined;
      return real || (Number.isInteger(fromEnv) && fromEnv > 0 ? fromEnv : 80);
    },
    get rows() {
      const real = isTty ? (fd === 1 ? process.stdout : process.stderr).rows : undefined;
      return real || Number(process.env['LINES']) || 24;
    },
    write(text) {
      if (closed) return;
      const bytes = Buffer.from(text, 'utf8');
      for (let offset = 0; offset < bytes.length; ) {
        try {
          offset += writeSome(bytes, offset);
        } catch (error) {
          const code = (error as NodeJS.ErrnoException).code;
          closed = true;
          // An error that stderr does not take cannot be shown; the exit code still tells it.
          if (fd === 2) return;
          if (code === 'EPIPE') throw new OutputClosed('the reader of stdout has gone');
          throw new CliError('local', `The output could not be written: ${writeFailures[code ?? ''] ?? code}`, {
            code: 'local.output',
            cause: error,
          });
        }
      }
    },
  };
}

const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';

/**
 * The same pipe, opened anew so that a write into a full one fails instead of waiting: only then does it matter that a
 * wait in write(2) keeps this thread from its signal handlers. The flag is the new opening's own, so other programs on
 * the pipe keep theirs. The output itself where that is not to be had.
 */
function openEager(fd: 1 | 2): number {
  try {
    if (process.platform === 'linux' && fstatSync(fd).isFIFO()) {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    }
  } catch {
    // Nobody reads it any more, or it is another user's: writing says so, or waits.
  }
  return fd;
}

function writePatiently(fd: 1 | 2, bytes: Buffer, offset: number): number {
  for (;;) {
    try {
      return writeSync(fd, bytes, offset);
    } catch (error) {
      if (!isFull(error)) throw error;
      // A pipe that another process made non-blocking is full: wait for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** While work keeps this thread busy without end, signals do what they do to a program that has no handlers: end it. */
function endedBySignals<T>(work: () => T): T {
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => [name, process.listeners(name)] as const);
  for (const [name] of handlers) process.removeAllListeners(name);
  try {
    return work();
  } finally {
    for (const [name, listeners] of handlers) for (const listener of listeners) process.on(name, listener);
  }
}

const writeFailures: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be too large',
  EBADF: 'standard output is closed',
  EIO: 'the device reported an error',
};
