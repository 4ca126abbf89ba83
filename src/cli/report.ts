// The one place where an error becomes text and an exit code.

import { CliError, Ending, type ErrorKind, exitCodeOf, stackOf } from '../errors.ts';
import type { Host } from '../host.ts';
import { isTrue } from './inputs/is-true.ts';
import { printable, printableJson, printableLines } from './io.ts';
import { createStyle, hasColors, type Style } from './style.ts';

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

/** Commands that list what was not found, by the code of the error. */
export const listsOf: Readonly<Record<string, string>> = {
  'not-found.capability': 'iam roles capabilities list',
  'not-found.certificate-authority': 'sigstore ca list',
  'not-found.cluster': 'clusters list',
  'not-found.folder': 'iam folders list',
  'not-found.group-mapping': 'iam identity-providers group-mappings list',
  'not-found.identity': 'iam identities list',
  'not-found.identity-provider': 'iam identity-providers list',
  'not-found.invite': 'iam invites list',
  'not-found.organization': 'iam organizations list',
  'not-found.policy': 'policies list',
  'not-found.pull-token': 'auth pull-token list',
  'not-found.repository': 'images repos list',
  'not-found.role': 'iam roles list',
  'not-found.role-binding': 'iam role-bindings list',
  'not-found.subscription': 'events subscriptions list',
};

/** Returns the next step: the error's own hint, else the command that lists such things. */
const hintOf = ({ code, hint }: CliError): string | undefined =>
  hint ?? (listsOf[code] === undefined ? undefined : `see \`chainctl ${listsOf[code]}\``);

/** The only classifier: by type and code, never by text. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const code = textOf(error, 'code');
  if (code === 'ABORT_ERR') return new CliError('cancelled', 'Interrupted', { code: 'cancelled', cause: error });
  const reason =
    code === 'ENOENT' && textOf(error, 'syscall').startsWith('spawn') ? 'No such program' : fileReasons[code];
  if (reason !== undefined) {
    const path = textOf(error, 'path');
    return new CliError('local', `${reason}${path === '' ? '' : `: "${path}"`}`, { code: 'local.file', cause: error });
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

/** A property of an error, which Node adds to the type it declares. */
const textOf = (error: unknown, name: 'code' | 'path' | 'syscall'): string =>
  error instanceof Error && name in error ? String((error as Error & Record<typeof name, unknown>)[name]) : '';

const fileReasons: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'The file system is read-only',
  ENOSPC: 'The disk is full',
  EDQUOT: 'The disk quota is used up',
  EMFILE: 'Too many open files',
  ENOENT: 'No such file or folder',
  ENOTDIR: 'A part of the path is no folder',
  EISDIR: 'A folder stands where a file should be',
  ENAMETOOLONG: 'The path is too long',
  ELOOP: 'The path has a loop of links',
};

/** Prints the error on stderr and returns the exit code. */
export function reportError(error: unknown, host: Host): number {
  if (error instanceof Ending) return error.exitCode;
  const cliError = toCliError(error);
  host.stderr.write(wantsJson(host.argv) ? `${printableJson(toJson(cliError))}\n` : toText(cliError, styleOf(host)));
  if (isDebug(host)) {
    const from = cliError.cause instanceof Error ? cliError.cause : cliError;
    host.stderr.write(`debug: ${printableLines(stackOf(from))}\n`);
  }
  return exitCodeOf(cliError);
}

function toJson(error: CliError) {
  const { kind, code, number, message, details } = error;
  const hint = hintOf(error);
  return {
    code: number ?? numbers[kind],
    reason: code,
    message,
    ...(details.length > 0 ? { details } : {}),
    ...(hint === undefined ? {} : { hint }),
  };
}

const styleOf = (host: Host): Style =>
  createStyle(hasColors(host, host.stderr.isTty, host.argv.includes('--force-color')), host.env);

function toText(error: CliError, style: Style): string {
  const { kind, number, message, details } = error;
  const hint = hintOf(error);
  if (kind === 'cancelled') return `${printable(message)}\n`;
  const lines = [
    `error: ${number === undefined ? '' : `[${number}] `}${message}`,
    ...details.map((line) => `  ${line}`),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
  ];
  const [first = '', ...others] = lines.map((line) => `${printable(line)}\n`);
  return [first.replace(/^error:/, style.fail), ...others.map((line) => line.replace(/^hint:/, style.dim))].join('');
}

// The command line may be what is wrong, so these two look at the bare words instead of parsed flags.

const wantsJson = (argv: readonly string[]) => lastValueOf(argv, ['--output'], 'o') === 'json';

function isDebug({ argv, env }: Host): boolean {
  const level = lastValueOf(argv, ['--log-level']) ?? env['CHAINGUARD_DEFAULT_LOG_LEVEL'];
  const verbosity = Number(lastValueOf(argv, ['--v'], 'v') ?? 0);
  return level?.toLowerCase() === 'debug' || verbosity >= 2 || isTrue(env['CHAINCTL_DEBUG']);
}

/** The last text given to a flag, in any of its spellings; what stands behind `--` is no flag. */
function lastValueOf(argv: readonly string[], names: readonly string[], letter?: string): string | undefined {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  const short = letter === undefined ? undefined : new RegExp(`^-[a-z]*?${letter}=?(.*)$`, 's');
  let value: string | undefined;
  for (const [at, word] of words.entries()) {
    const [name = '', ...rest] = word.split('=');
    const [, behind] = short?.exec(word) ?? [];
    if (names.includes(name)) value = rest.length > 0 ? rest.join('=') : words[at + 1];
    else if (behind !== undefined) value = behind === '' ? words[at + 1] : behind;
  }
  return value;
}
