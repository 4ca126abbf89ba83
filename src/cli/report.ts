// The one place where an error becomes text and an exit code.

import { CliError, type ErrorKind, exitCodeOf } from '../errors.ts';
import type { Host } from '../host.ts';
import { printable } from './io.ts';

/** Numbers for `code` in JSON errors. 4 and 101 are the two that public output shows (protocols Q3). */
const numbers: Readonly<Record<ErrorKind, number>> = {
  internal: 1,
  usage: 2,
  auth: 3,
  'not-found': 4,
  permission: 5,
  conflict: 6,
  api: 7,
  network: 8,
  timeout: 9,
  local: 10,
  cancelled: 130,
};

/** The only classifier: by type and code, never by text. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const path = error instanceof Error && 'path' in error ? String(error.path) : '';
  const reason = fileReasons[code];
  if (reason !== undefined) {
    return new CliError('local', `${reason}${path ? `: ${path}` : ''}`, { code: 'local.file', cause: error });
  }
  return new CliError(
    'internal',
    `Something went wrong inside chainctl: ${error instanceof Error ? error.message : String(error)}`,
    {
      code: 'internal',
      hint: 'run it again with `--log-level debug` and report what it prints',
      cause: error,
    },
  );
}

const fileReasons: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'The file system is read-only',
  ENOSPC: 'The disk is full',
  EDQUOT: 'The disk quota is used up',
  EMFILE: 'Too many open files',
};

/** Prints the error on stderr and returns the exit code. */
export function reportError(error: unknown, host: Host): number {
  const cliError = toCliError(error);
  if (wantsJson(host.argv)) {
    host.stderr.write(
      `${JSON.stringify({
        code: cliError.number ?? numbers[cliError.kind],
        reason: cliError.code,
        message: cliError.message,
        ...(cliError.details.length > 0 ? { details: cliError.details } : {}),
        ...(cliError.hint === undefined ? {} : { hint: cliError.hint }),
      })}\n`,
    );
  } else if (cliError.kind === 'cancelled') {
    host.stderr.write(`${cliError.message}\n`);
  } else {
    const number = cliError.number === undefined ? '' : `[${cliError.number}] `;
    const lines = [
      `error: ${number}${printable(cliError.message)}`,
      ...cliError.details.map((line) => `  ${printable(line)}`),
    ];
    if (cliError.hint !== undefined) lines.push(`hint: ${cliError.hint}`);
    host.stderr.write(`${lines.join('\n')}\n`);
  }
  if (isDebug(host.argv) && cliError.cause instanceof Error) host.stderr.write(`debug: ${cliError.cause.stack}\n`);
  return exitCodeOf(cliError);
}

// The command line may be what is wrong, so these two look at the bare words instead of parsed flags.
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, at) =>
      word === '-ojson' ||
      word === '--output=json' ||
      word === '-o=json' ||
      (word === 'json' && /^(-o|--output)$/.test(argv[at - 1] ?? '')),
  );
}

const isDebug = (argv: readonly string[]) =>
  argv.some((word, at) => word === '--log-level=debug' || (word === 'debug' && argv[at - 1] === '--log-level'));
