// Defines a check of `chainctl doctor`. Guarantees: a check only looks; it asks nobody, opens no browser, writes
// nothing, and what it finds holds no secret.

import type { ImageReference, OciClient } from '../api/oci-client.ts';
import type { Config } from '../config/load.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';

/** Job that a person wants to get done. */
export const purposes = ['docker', 'npm', 'pip', 'kubectl', 'ci'] as const;
export type Purpose = (typeof purposes)[number];

export interface Examined {
  readonly host: Host;
  readonly config: Config;
  readonly signal: AbortSignal;
  /** Purpose asked for; undefined: everything that is set up. */
  readonly purpose: Purpose | undefined;
  /** The image that has to come, with its registry. */
  readonly image: ImageReference | undefined;
  /** Host of the registry of the platform, with its port. */
  readonly registry: string;
  /** Reads a registry with the login that is there. */
  readonly openRegistry: (registry: string) => OciClient;
}

/**
 * `wrong` is what keeps the thing from working; `note` is worth knowing; `skip` is not set up and was not asked for.
 */
export interface Finding {
  readonly state: 'ok' | 'note' | 'wrong' | 'skip';
  /** One sentence without a full stop. */
  readonly message: string;
  /** The file that decided. */
  readonly file?: string | undefined;
  /** The key in it, or the variable that decided. */
  readonly key?: string | undefined;
  /** A command, or the lines of a file where no command does it. */
  readonly fix?: string | undefined;
}

export interface Check {
  readonly name: string;
  /** Undefined: for all of them. */
  readonly purposes?: readonly Purpose[];
  look(examined: Examined): Promise<readonly Finding[]>;
}

type Where = Pick<Finding, 'file' | 'key'>;

export const ok = (message: string, where: Where = {}): Finding => ({ state: 'ok', message, ...where });
export const note = (message: string, where: Where & Pick<Finding, 'fix'> = {}): Finding => ({
  state: 'note',
  message,
  ...where,
});
export const wrong = (message: string, fix: string | undefined, where: Where = {}): Finding => ({
  state: 'wrong',
  message,
  fix,
  ...where,
});
export const skip = (message: string): Finding => ({ state: 'skip', message });

/** Not set up: wrong for whoever asked for it, and else nothing to speak of. */
export const missing = ({ purpose }: Examined, asked: Purpose, message: string, fix: string, where: Where = {}) =>
  purpose === asked ? wrong(message, fix, where) : skip(message);

/** A failure in its own words, with the command that its hint names. */
export function failure(error: unknown, where: Where = {}): Finding {
  if (!(error instanceof CliError) || error.kind === 'cancelled' || error.kind === 'internal') throw error;
  return wrong(error.message, commandIn(error.hint) ?? error.hint, where);
}

const commandIn = (hint = ''): string | undefined => /`([^`]+)`/.exec(hint)?.[1];

/** Returns whether a program is on PATH and runs. */
export const versionOf = (host: Host, program: string, word = '--version'): Promise<string | undefined> =>
  host.answerOf(program, [word], 10_000);

/** Milliseconds; `undefined` for what is no token with an end. */
export async function endOf(token: string): Promise<number | undefined> {
  const { decodeClaims } = await import('../auth/jwt.ts');
  const { exp } = decodeClaims(token) ?? {};
  return typeof exp === 'number' ? exp * 1000 : undefined;
}

/** `2 hours`, as long as it takes to read. */
export function roughly(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [name, size] = units.find(([, size]) => Math.abs(ms) >= size) ?? ['second', 1000];
  const count = Math.round(Math.abs(ms) / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
