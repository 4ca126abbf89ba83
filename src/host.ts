// The outside world as one interface: everything a command may touch besides the file system below a path it was given.
// Guarantees: nothing here is read before it is asked for, so a command that needs no home folder works without one.

import { isAbsolute, join } from 'node:path';

export interface Host {
  /** Words after the program name. */
  readonly argv: readonly string[];
  /** The path the program was started by (`process.argv[1]`), symbolic links not followed. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** Of this process. */
  readonly pid: number;
  /** The user's home folder. Throws a `CliError` when there is none. */
  home(): string;
  readonly stdin: HostInput;
  readonly stdout: HostOutput;
  readonly stderr: HostOutput;
  /** Milliseconds since the epoch. */
  now(): number;
  randomBytes(count: number): Uint8Array;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Starts the user's browser; false when there is none to start. */
  openBrowser(url: string): Promise<boolean>;
  /** Runs a program with the terminal attached (an editor); resolves to its exit code, 128 and its number for a signal. */
  runForeground(command: string, args: readonly string[], options?: ForegroundOptions): Promise<number>;
  /** Starts the program that shows long output, and leaves it the terminal; undefined when there is no such program. */
  openPager(command: string): PagerProcess | undefined;
  /** Returns what a program prints that ends with 0 within the time; undefined when it does not. Starts no shell. */
  answerOf(command: string, args: readonly string[], timeoutMs: number): Promise<string | undefined>;
  /** Starts this program again with other words, on its own; what it prints is appended to a file. */
  startAgain(args: readonly string[], logPath: string): Promise<StartedProcess>;
  /** Sends a signal, or with 0 only asks; false when no such process is there to take it. */
  signalProcess(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean;
}

export interface PagerProcess {
  /** Throws what ends the output quietly once a person has left it. */
  write(text: string): void;
  /** Says that there is no more, and resolves when a person has left it. */
  end(): Promise<void>;
}

export interface ForegroundOptions {
  /** Added to the environment; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** When it aborts, the program gets the signal that is the cause of its reason; what it ends with is still waited for. */
  readonly signal?: AbortSignal;
}

export interface StartedProcess {
  readonly pid: number;
  /** Returns what it ended with: an exit code, or the signal that killed it. Undefined while it runs. */
  ended(): number | string | undefined;
}

export interface HostInput {
  readonly isTty: boolean;
  /** Everything until the end of the stream. */
  readAll(): Promise<string>;
  /** One line of a terminal without its end, or undefined when there is no more. */
  readLine(signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Returns what may answer a question where there is no terminal: one line of a pipe or socket and no byte more, or
   * a file that consists of one short line. Anything else is left unread and is undefined, as is the end of the stream.
   * Calls `ask` before it waits.
   */
  readAnswer(ask: () => void, signal?: AbortSignal): Promise<string | undefined>;
}

export interface HostOutput {
  readonly isTty: boolean;
  /** Columns of the terminal; 80 when unknown. */
  readonly columns: number;
  /** Rows of the terminal; 24 when unknown. */
  readonly rows: number;
  /** Writes all of it before returning. A reader that went away ends the output quietly. */
  write(text: string): void;
}

/**
 * Returns whether a window that opens here is seen by who started this. Over SSH that is only one that is forwarded.
 */
export function hasDesktop({ env, platform }: Pick<Host, 'env' | 'platform'>): boolean {
  if (env['DISPLAY'] || env['WAYLAND_DISPLAY']) return true;
  return (platform === 'darwin' || platform === 'win32') && !env['SSH_CONNECTION'];
}

/** The user's cache folder as Go's os.UserCacheDir finds it (semantics 3.4). */
export function cacheDir(host: Pick<Host, 'platform' | 'env' | 'home'>): string {
  if (host.platform === 'darwin') return join(host.home(), 'Library', 'Caches');
  if (host.platform === 'win32' && host.env['LocalAppData']) return host.env['LocalAppData'];
  const xdg = host.env['XDG_CACHE_HOME'];
  // Go refuses a relative XDG_CACHE_HOME; falling back keeps the program usable and the folder predictable.
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(host.home(), '.cache');
}

/** The user's configuration folder as Go's os.UserConfigDir finds it. */
export function configDir(host: Host): string {
  if (host.platform === 'darwin') return join(host.home(), 'Library', 'Application Support');
  if (host.platform === 'win32' && host.env['AppData']) return host.env['AppData'];
  const xdg = host.env['XDG_CONFIG_HOME'];
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(host.home(), '.config');
}

/** Returns where a program keeps data of its own between runs (XDG base directories; Application Support on macOS). */
export function dataDir(host: Host): string {
  if (host.platform === 'darwin') return join(host.home(), 'Library', 'Application Support');
  if (host.platform === 'win32' && host.env['LocalAppData']) return host.env['LocalAppData'];
  const xdg = host.env['XDG_DATA_HOME'];
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(host.home(), '.local', 'share');
}
