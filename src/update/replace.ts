// The program's own file, exchanged for another. Guarantees: at every moment either the old or the new one is complete
// at its path, so that a kill leaves a program that works; what was downloaded is checked before anything is touched; a
// new one that does not answer is taken back.

import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { sendStreaming } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import { codeOf, isLeftover, makeFolder, toFileError } from '../files.ts';
import type { Host } from '../host.ts';
import { isPrivateUrl } from '../loopback.ts';
import type { ReleaseFile } from './metadata.ts';

export interface Replacement {
  /** The program's file, behind all links. */
  readonly target: string;
  /** Path of the backup. */
  readonly backup: string;
  readonly url: string;
  readonly file: ReleaseFile;
}

/** How long a new program may take to say its version, in milliseconds. */
const answerTimeoutMs = 30_000;
const maxRedirects = 5;

/** Throws kind `local` when the folder of `target` takes no new file. */
export function checkReplaceable(target: string): void {
  try {
    accessSync(dirname(target), constants.W_OK);
  } catch (error) {
    const { message } = toFileError(error, 'write', target);
    const hint = 'run `sudo chainctl update`, or install it again into a folder of your own';
    throw new CliError('local', message, { code: 'update.read-only', hint, cause: error });
  }
}

/** Downloads and checks a file beside `target`; resolves to its path, for `install` or `discard`. */
export async function download(host: Host, plan: Replacement, signal: AbortSignal): Promise<string> {
  removeLeftovers(plan.target);
  const path = join(dirname(plan.target), `.${basename(plan.target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await fill(host, path, plan, signal);
    chmodSync(path, statSync(plan.target).mode & 0o7777);
    return path;
  } catch (error) {
    discard(path);
    throw error instanceof CliError || signal.aborted ? error : toFileError(error, 'write', path);
  }
}

/** Puts the downloaded file in place; resolves to what it prints as its version. Throws after taking it back. */
export async function install(host: Host, downloaded: string, plan: Replacement): Promise<string> {
  try {
    keepBackup(plan);
    putInPlace(host, downloaded, plan.target);
  } catch (error) {
    discard(downloaded);
    throw toFileError(error, 'write', plan.target);
  }
  const answer = await host.answerOf(plan.target, ['version'], answerTimeoutMs);
  if (answer?.includes('GitVersion:')) return answer;
  rollBack(host, plan);
  throw new CliError('local', 'The new program does not answer, so the old one is back in place', {
    code: 'update.rolled-back',
  });
}

export function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It never came to be, or is in place by now.
  }
}

async function fill(host: Host, path: string, { url, file }: Replacement, signal: AbortSignal): Promise<void> {
  const body = await open(host, url, signal);
  const target = openSync(path, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > file.size) break;
      hash.update(chunk);
      for (let offset = 0; offset < chunk.length; ) offset += writeSync(target, chunk, offset);
    }
    if (size !== file.size) {
      const said = size > file.size ? 'more than' : `${size} of`;
      throw new CliError(
        'network',
        `The download of ${file.name} brought ${said} ${file.size} bytes; nothing was changed`,
        {
          code: 'update.size',
          hint: 'try again',
        },
      );
    }
    if (hash.digest('hex') !== file.sha256) {
      throw new CliError('local', `The checksum of ${file.name} is wrong; nothing was changed`, {
        code: 'update.checksum',
        hint: 'tell those who publish these releases',
      });
    }
    fsyncSync(target);
  } finally {
    closeSync(target);
  }
}

/** Follows redirects, since hash and size are signed, but never off https. */
async function open(host: Host, first: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  let url = first;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await sendStreaming(host, { method: 'GET', url, signal });
    if (answer.status === 200) return answer.body;
    answer.destroy();
    const location = answer.headers['location'];
    if (answer.status < 300 || answer.status > 399 || typeof location !== 'string') {
      throw new CliError('api', `HTTP ${answer.status} instead of a file from ${url}`, { code: 'update.download' });
    }
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (next === undefined || !isPrivateUrl(next) || redirects === maxRedirects) {
      const why = redirects === maxRedirects ? 'too many times' : 'to an address that is not https';
      throw new CliError('api', `The download of ${first} was redirected ${why}`, { code: 'update.redirect' });
    }
    url = next.href;
  }
}

function keepBackup({ target, backup }: Replacement): void {
  makeFolder(dirname(backup), 0o700);
  copyInto(target, backup);
}

/** A copy that is whole at its path or not there. */
function copyInto(from: string, to: string): void {
  const temporary = `${to}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    copyFileSync(from, temporary, constants.COPYFILE_FICLONE);
    flush(temporary);
    renameSync(temporary, to);
  } catch (error) {
    discard(temporary);
    throw error;
  }
}

/** Windows keeps a running file from being replaced, but not from being renamed. */
function putInPlace(host: Host, from: string, target: string): void {
  const aside = `${target}.old`;
  if (host.platform === 'win32') {
    discard(aside);
    renameSync(target, aside);
  }
  try {
    renameSync(from, target);
  } catch (error) {
    if (host.platform === 'win32') renameSync(aside, target);
    throw error;
  }
  if (host.platform !== 'win32') flush(dirname(target));
}

function rollBack(host: Host, { target, backup }: Replacement): void {
  try {
    const copy = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
    copyInto(backup, copy);
    putInPlace(host, copy, target);
  } catch (error) {
    throw new CliError('local', 'The new program does not answer, and the old one could not be put back', {
      code: 'update.not-rolled-back',
      hint: `copy "${backup}" to "${target}"`,
      cause: error,
    });
  }
}

function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } catch (error) {
    // Some file systems do not flush folders.
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(file);
  }
}

/** Files that killed updates left behind. */
function removeLeftovers(target: string): void {
  const folder = dirname(target);
  for (const entry of readdirSync(folder)) if (isLeftover(entry, basename(target))) discard(join(folder, entry));
}
