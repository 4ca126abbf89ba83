// The real outside world. Guarantees: output goes through write(2) without process.stdout, which costs milliseconds and
// may cut what a slow reader has not taken yet; nothing is opened before it is used.

import type { ChildProcess } from 'node:child_process';
import { accessSync, closeSync, constants, fstatSync, openSync, read, writeSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { isExecutable } from './build.ts';
import { CliError, OutputClosed } from './errors.ts';
import {
  type ForegroundOptions,
  type Host,
  type HostInput,
  type HostOutput,
  hasDesktop,
  type StartedProcess,
} from './host.ts';
import { isNullDevice } from './null-device.ts';
import { startPager } from './real-pager.ts';

// These cost up to 3 ms each to load, and most commands need none of them.
const childProcess = () => process.getBuiltinModule('node:child_process');
const crypto = () => process.getBuiltinModule('node:crypto');
const os = () => process.getBuiltinModule('node:os');

export function createRealHost(): Host {
  return {
    argv: process.argv.slice(2),
    get program() {
      return startedPath();
    },
    env: process.env,
    cwd: workingFolder(),
    platform: process.platform,
    pid: process.pid,
    home() {
      // os.homedir falls back to the password file, which is right for a daemon without HOME; an empty HOME is not set.
      const home = process.env['HOME'] || homeOfUser();
      if (home === '')
        throw new CliError('local', 'There is no home folder', { code: 'local.no-home', hint: 'set HOME' });
      return home;
    },
    stdin: createInput(),
    stdout: createOutput(1),
    stderr: createOutput(2),
    now: () => Date.now(),
    randomBytes: (count) => crypto().randomBytes(count),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, ms);
        signal?.addEventListener('abort', stop, { once: true });
      }),
    openBrowser,
    runForeground,
    openPager: (command) => startPager(command, () => new OutputClosed('the reader of the pager has gone')),
    answerOf: (command, args, timeout) =>
      new Promise((resolve) => {
        const options = { timeout, killSignal: 'SIGKILL', windowsHide: true } as const;
        try {
          childProcess().execFile(command, [...args], options, (error, stdout) => {
            resolve(error === null ? stdout : undefined);
          });
        } catch {
          // Bun throws at once for a file of another system, which Node tells the callback.
          resolve(undefined);
        }
      }),
    startAgain,
    signalProcess(pid, signal) {
      try {
        return process.kill(pid, signal);
      } catch (error) {
        // Somebody else's process is there, but not ours to end.
        if ((error as NodeJS.ErrnoException).code === 'EPERM') return signal === 0;
        return false;
      }
    },
  };
}

function runForeground(command: string, args: readonly string[], options: ForegroundOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(command, args, {
      stdio: 'inherit',
      shell: process.platform === 'win32',
      env: { ...process.env, ...options.env },
    });
    const pass = () => {
      const { cause } = options.signal?.reason ?? {};
      const name = cause === 'SIGINT' || cause === 'SIGHUP' ? cause : 'SIGTERM';
      // A terminal has told everybody in front of it.
      if (name !== 'SIGINT' || !isTerminal(0)) child.kill(name);
    };
    options.signal?.addEventListener('abort', pass, { once: true });
    // Whoever presses Ctrl-C twice leaves nothing behind.
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    const settle = () => {
      options.signal?.removeEventListener('abort', pass);
      process.removeListener('exit', end);
    };
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('close', (code, signal) => {
      settle();
      resolve(signal === null ? (code ?? 1) : 128 + os().constants.signals[signal]);
    });
  });
}

/** The path by which this program was started, links not followed. */
function startedPath(): string {
  if (!isExecutable) return process.argv[1] ?? 'chainctl';
  const name = process.argv0;
  if (/[/\\]/.test(name)) return isAbsolute(name) ? name : join(workingFolder(), name);
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Further on, then.
    }
  }
  return process.execPath;
}

/** Somebody may have removed the folder that a shell still stands in. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return process.env['PWD'] || '/';
  }
}

/** Empty for a user that the password file does not know, such as a container's arbitrary one. */
function homeOfUser(): string {
  try {
    return os().homedir();
  } catch {
    return '';
  }
}

function createOutput(fd: 1 | 2): HostOutput {
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

/** Only a character device other than /dev/null can be one, and only then is `node:tty` worth loading. */
function isTerminal(fd: number): boolean {
  try {
    if (process.platform !== 'win32') {
      const stats = fstatSync(fd);
      if (!stats.isCharacterDevice() || isNullDevice(stats, process.platform)) return false;
    }
  } catch {
    return false;
  }
  return (process.getBuiltinModule('node:tty') as typeof import('node:tty')).isatty(fd);
}

function createInput(): HostInput {
  let isTty: boolean | undefined;
  const nextBytes = (count: number) =>
    new Promise<Buffer>((resolve, reject) => {
      const buffer = Buffer.alloc(count);
      const attempt = () =>
        read(0, buffer, 0, count, null, (error, size) => {
          if (error === null) resolve(buffer.subarray(0, size));
          else if (error.code === 'EAGAIN') setTimeout(attempt, 20);
          else if (error.code === 'EOF' || error.code === 'EISDIR' || error.code === 'EBADF')
            resolve(buffer.subarray(0, 0));
          else reject(error);
        });
      attempt();
    });
  return {
    get isTty() {
      isTty ??= isTerminal(0);
      return isTty;
    },
    async readAll() {
      const chunks: Buffer[] = [];
      for (let chunk = await nextBytes(65_536); chunk.length > 0; chunk = await nextBytes(65_536)) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
    async readLine(signal) {
      return (await import('./standard-input.ts')).readLine(signal);
    },
    async readAnswer(ask, signal) {
      return (await import('./standard-input.ts')).readAnswer(ask, signal);
    },
  };
}

function startAgain(args: readonly string[], logPath: string): Promise<StartedProcess> {
  return new Promise((resolve, reject) => {
    const log = openSync(logPath, 'a', 0o600);
    // The same node with the same loaders, so that a program run from its sources starts itself from them. An
    // executable is its own runtime and takes nothing but its words.
    const words = isExecutable ? [...args] : [...process.execArgv, process.argv[1] ?? '', ...args];
    const child = childProcess().spawn(process.execPath, words, {
      detached: true,
      stdio: ['ignore', log, log],
      windowsHide: true,
    });
    let end: number | string | undefined;
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      end = code ?? signal ?? 1;
    });
    child.once('spawn', () => {
      child.unref();
      resolve({ pid: child.pid ?? 0, ended: () => end });
    });
    closeSync(log);
  });
}

async function openBrowser(url: string): Promise<boolean> {
  // Without a display a Linux browser cannot open; trying would start a text browser on the terminal or hang. Over SSH
  // it would open where nobody looks.
  if (!hasDesktop(process) && !process.env['BROWSER']) return false;
  try {
    // BROWSER names a program, as xdg-open and python's webbrowser take it.
    const program = process.env['BROWSER'];
    const open = program ? undefined : (await import('open')).default;
    const opener = open
      ? await open(url)
      : childProcess().spawn(program ?? '', [url], { stdio: 'ignore', detached: true });
    return await hasOpened(opener);
  } catch {
    return false;
  }
}

/** How long what opens a browser is watched, in milliseconds: what finds none says so soon, and a browser stays. */
const openerWatchMs = 2_000;

function hasOpened(opener: ChildProcess): Promise<boolean> {
  opener.unref();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), openerWatchMs);
    const settle = (opened: boolean) => {
      clearTimeout(timer);
      resolve(opened);
    };
    opener.once('error', () => settle(false));
    // Windows' Explorer, which WSL users name, ends with 1 whatever it did.
    const tellsNothing = /explorer\.exe$/i.test(opener.spawnfile);
    opener.once('exit', (code) => settle(code === 0 || tellsNothing));
  });
}
