// Requests of Docker's to the credential helper and their answers (protocols 7.2), by the standard streams. Loads nothing but
// node:fs, for the sake of the quick answer.

import { fstatSync, readFileSync, readSync, writeSync } from 'node:fs';
import { isNullDevice } from '../null-device.ts';

/** What is done of a request already. */
export interface Begun {
  /** What Docker sent, once it was read. */
  readonly input?: string;
  /** What went wrong. */
  readonly error?: unknown;
  /** The answer was tried to write, and why not all of it was. */
  readonly unwritten?: Unwritten;
}

export interface Unwritten {
  /** Nobody can read what is written. */
  readonly isLost: boolean;
  readonly reason?: unknown;
}

export const answerWith = (server: string, token: string) =>
  JSON.stringify({ ServerURL: server, Username: '_token', Secret: token });

/**
 * The host of what Docker sends, with its port: `https://CGR.dev/v2/` is cgr.dev. Undefined for what is no host, so that
 * a name can never become a path.
 */
export function hostOf(server: string): string | undefined {
  // Cut by hand: a pattern that ignores case costs more than the rest of the answer together.
  const scheme = server.indexOf('://');
  const rest = scheme < 0 ? server : server.slice(scheme + 3);
  const slash = rest.indexOf('/');
  const host = (slash < 0 ? rest : rest.slice(0, slash)).toLowerCase();
  // Longer than any folder's name can be.
  if (host.length > 255) return undefined;
  return /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.test(host) ? host : undefined;
}

/** The audiences whose token serves a host: its own, and for Chainguard's further hosts that of cgr.dev. */
export function audiencesFor(host: string): string[] {
  return host.endsWith('.cgr.dev') ? [host, 'cgr.dev'] : [host];
}

const maxInputBytes = 1024 * 1024;

export function readInput(): string {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(8192);
  for (let total = 0; total < maxInputBytes; ) {
    let count: number;
    try {
      count = readSync(0, chunk, 0, chunk.length, null);
    } catch (error) {
      if (!isCode(error, 'EAGAIN')) {
        // The ends of a closed input on Windows, and an input that was never open.
        if (isCode(error, 'EOF') || isCode(error, 'EBADF')) break;
        throw error;
      }
      waitAMoment();
      continue;
    }
    if (count === 0) break;
    total += count;
    chunks.push(Buffer.from(chunk.subarray(0, count)));
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Writes one line for Docker. Returns why not all of it was written. */
export function writeAnswer(text: string): Unwritten | undefined {
  if (isStdoutClosed()) return { isLost: true };
  const reason = write(1, `${text}\n`);
  return reason === undefined ? undefined : { isLost: false, reason };
}

/**
 * Returns whether nobody can read what is written. Node opens a closed output anew, as /dev/null, for reading and
 * writing; who throws output away, a shell or Docker, opens that for writing alone. Only Linux tells how it was opened.
 */
function isStdoutClosed(): boolean {
  try {
    if (!isNullDevice(fstatSync(1), process.platform)) return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 3) === 2;
  } catch (error) {
    return isCode(error, 'EBADF');
  }
}

/** Returns why not all of it was written. */
export function write(descriptor: 1 | 2, text: string): unknown {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (!isCode(error, 'EAGAIN')) return error;
      waitAMoment();
    }
  }
  return undefined;
}

/** A pipe that somebody made non-blocking is waited for without spinning. */
function waitAMoment(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
