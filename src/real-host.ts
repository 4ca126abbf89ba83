// The real outside world. Guarantees: nothing is opened before it is used.

import { accessSync, closeSync, constants, openSync, read } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { isExecutable } from './build.ts';
import { CliError, OutputClosed } from './errors.ts';
import type { ForegroundOptions, Host, HostInput, StartedProcess } from './host.ts';
import { openBrowser } from './real-browser.ts';
import { createOutput } from './real-output.ts';
import { startPager } from './real-pager.ts';
import { isTerminal } from './real-terminal.ts';

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
