// Errors a person may read. Guarantees: `message` is one sentence without a trailing full stop and holds no secret;
// `hint` is what to type next; `code` is a stable dotted word for scripts and for docs/errors.md.

export type ErrorKind =
  | 'usage'
  | 'auth'
  | 'permission'
  | 'not-found'
  | 'conflict'
  | 'api'
  | 'network'
  | 'timeout'
  | 'cancelled'
  | 'local'
  | 'internal';

export interface CliErrorOptions {
  /** Stable dotted word, e.g. `usage.missing-flag`. Defaults to the kind. */
  readonly code?: string;
  /** The next command to type, or what to change. One sentence. */
  readonly hint?: string;
  /** Further lines, one each: near misses, ids of several matches. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
  /** Number printed as `code` in JSON errors, where public scripts know one (protocols Q3). */
  readonly number?: number;
}

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  readonly number: number | undefined;

  constructor(kind: ErrorKind, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = options.code ?? kind;
    this.hint = options.hint;
    this.details = options.details ?? [];
    this.number = options.number;
  }
}

/** Ends a command with a code of its own although nothing failed: its answer was printed, or is that of a program it ran. */
export class Ending extends Error {
  override readonly name = 'Ending';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Thrown by a write after the reader has gone: ends the program quietly, as `| head` expects. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** For those who mend it: where an error came from. Anything may be thrown, so anything is taken. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The one table of exit codes. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** `iam plan` and `local diff` found differences. */
  differs: 3,
  notAuthenticated: 4,
  interrupted: 130,
} as const;

export function exitCodeOf(error: CliError): number {
  if (error.kind === 'usage') return exitCodes.usage;
  if (error.kind === 'auth') return exitCodes.notAuthenticated;
  // Answering "n" is a decision, not an interruption.
  if (error.kind === 'cancelled' && error.code !== 'cancelled.declined') return exitCodes.interrupted;
  return exitCodes.failed;
}
