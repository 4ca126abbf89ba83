import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../src/errors.ts';
import type { Host, HostInput, HostOutput, PagerProcess } from '../../src/host.ts';
import { afterEachTest } from './after-each-test.ts';

export interface FakeHostOptions {
  readonly argv?: readonly string[];
  readonly program?: string;
  /** Added to an otherwise empty environment: nothing of the machine's own leaks in. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly platform?: NodeJS.Platform;
  /** False: `home()` throws, as on a machine without one. */
  readonly home?: boolean;
  /** Milliseconds since the epoch; the machine's time when left out. The clock then moves only when told. */
  readonly now?: number;
  /** What standard input holds: a pipe's, or what is typed at a terminal. */
  readonly stdin?: string;
  /** All three streams are terminals; false when left out. */
  readonly tty?: boolean;
  readonly columns?: number;
  /** Stands in for the user's browser; the answer says whether one could be started. False when left out. */
  readonly browser?: (url: string) => boolean | Promise<boolean>;
  /** Stands in for programs run in the foreground (an editor); the answer is the exit code. */
  readonly foreground?: (command: string, args: readonly string[]) => number | Promise<number>;
}

/** Collects what was written; asked afterwards. */
export class FakeOutput implements HostOutput {
  text = '';
  readonly isTty: boolean;
  readonly columns: number;
  readonly rows: number;

  constructor(isTty: boolean, columns: number, rows = 24) {
    this.isTty = isTty;
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.text += text;
  }
}

/** Gives out a script; asking past a terminal's script fails, because nobody is there to type. */
export class FakeInput implements HostInput {
  readonly isTty: boolean;
  /** How often anything was asked of it. */
  reads = 0;
  private rest: string;

  constructor(isTty: boolean, text: string) {
    this.isTty = isTty;
    this.rest = text;
  }

  async readAll(): Promise<string> {
    this.reads += 1;
    const all = this.rest;
    this.rest = '';
    return all;
  }

  async readLine(): Promise<string | undefined> {
    this.reads += 1;
    if (this.rest === '') {
      if (this.isTty) throw new Error('a line was asked of the terminal, and the script has no more');
      return undefined;
    }
    const end = this.rest.indexOf('\n');
    const line = end === -1 ? this.rest : this.rest.slice(0, end);
    this.rest = end === -1 ? '' : this.rest.slice(end + 1);
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  async readAnswer(ask: () => void): Promise<string | undefined> {
    ask();
    return this.readLine();
  }
}

/** A whole outside world for one test: buffers, a temporary home, a clock that moves only when told. */
export class FakeHost implements Host {
  readonly argv: readonly string[];
  readonly program: string;
  readonly env: Record<string, string | undefined>;
  cwd: string;
  readonly platform: NodeJS.Platform;
  readonly pid = 4711;
  readonly stdin: FakeInput;
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  /** Every address the browser was asked to open. */
  readonly opened: string[] = [];
  /** Every program run in the foreground, with its words. */
  readonly ran: string[][] = [];
  /** Every pager that was started. */
  readonly paged: string[] = [];
  /** Every wait asked for, in milliseconds. */
  readonly sleeps: number[] = [];
  /** The temporary folder that holds this host's home and working folder. */
  readonly root: string;
  private readonly options: FakeHostOptions;
  private time: number;
  private randomState = 0x9e3779b9;

  constructor(options: FakeHostOptions = {}) {
    this.options = options;
    this.root = mkdtempSync(join(tmpdir(), 'chainctl-test-'));
    mkdirSync(join(this.root, 'home'), { mode: 0o700 });
    mkdirSync(join(this.root, 'work'));
    this.argv = options.argv ?? [];
    this.program = options.program ?? '/usr/local/bin/chainctl';
    this.env = { ...options.env };
    this.cwd = options.cwd ?? join(this.root, 'work');
    this.platform = options.platform ?? 'linux';
    const tty = options.tty ?? false;
    const columns = options.columns ?? 80;
    this.stdin = new FakeInput(tty, options.stdin ?? '');
    this.stdout = new FakeOutput(tty, columns);
    this.stderr = new FakeOutput(tty, columns);
    this.time = options.now ?? Date.now();
  }

  home(): string {
    if (this.options.home === false) {
      throw new CliError('local', 'There is no home folder', { hint: 'set HOME to a folder you can write to' });
    }
    return join(this.root, 'home');
  }

  now(): number {
    return this.time;
  }

  /** Moves the clock on by `ms`. */
  advance(ms: number): void {
    this.time += ms;
  }

  /** Bytes that repeat from run to run and differ from call to call. */
  randomBytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      this.randomState = (Math.imul(this.randomState, 1664525) + 1013904223) >>> 0;
      bytes[i] = this.randomState >>> 24;
    }
    return bytes;
  }

  /** Notes the wait, moves the clock by it, and really waits a millisecond so that sockets get their turn. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.time += ms;
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 1)));
    signal?.throwIfAborted();
  }

  async openBrowser(url: string): Promise<boolean> {
    this.opened.push(url);
    return (await this.options.browser?.(url)) ?? false;
  }

  openPager(command: string): PagerProcess {
    this.paged.push(command);
    return { write: (text) => this.stdout.write(text), end: async () => {} };
  }

  answerOf(command: string, args: readonly string[], timeout: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      // Programs are found where this host has them.
      const env = { ...process.env, ...(this.env['PATH'] === undefined ? {} : { PATH: this.env['PATH'] }) };
      try {
        execFile(command, [...args], { timeout, killSignal: 'SIGKILL', env }, (error, out) =>
          resolve(error ? undefined : out),
        );
      } catch {
        resolve(undefined);
      }
    });
  }

  async runForeground(command: string, args: readonly string[]): Promise<number> {
    this.ran.push([command, ...args]);
    if (this.options.foreground === undefined) throw new Error(`nothing stands in for the program ${command}`);
    return this.options.foreground(command, args);
  }

  async startAgain(args: readonly string[]): Promise<never> {
    throw new Error(`nothing stands in for another run of the program: ${args.join(' ')}`);
  }

  signalProcess(pid: number, signal: string | number): never {
    throw new Error(`nothing stands in for process ${pid}, which was to get ${signal}`);
  }

  /** Removes the temporary folder. */
  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

const open: FakeHost[] = [];

/** A fake host that is removed after the test. */
export function fakeHost(options?: FakeHostOptions): FakeHost {
  const host = new FakeHost(options);
  open.push(host);
  return host;
}

afterEachTest(() => {
  for (const host of open.splice(0)) host.dispose();
});
