// The platform in a process of its own. Guarantees: returns only when it answers; when it does not come up, says why and
// leaves nothing running.

import { readFileSync, renameSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { makeFolder, toFileError } from '../../files.ts';
import type { StartedProcess } from '../../host.ts';
import type { PlatformFile } from '../../local/platform-file.ts';
import { statIfExists } from '../../stats.ts';
import { maxLogBytes } from './bounded-log.ts';
import { answers, runningPlatform } from './folder.ts';
import type { StartOptions, StartResult } from './start-here.ts';

/** Filling a new folder takes about a second; a laptop busy with something else may take many. */
const startTimeoutMs = 60_000;
/** How long a platform that another process started may take to say where it is. */
const otherTimeoutMs = 10_000;

export async function startDetached(context: Context, options: StartOptions): Promise<StartResult> {
  const { folder, seed, listen, audience, hostAlias, asksForCode } = options;
  const before = await runningPlatform(folder);
  if (before !== undefined) return { info: before, already: true };

  const log = prepareLog(folder);
  const words = ['local', 'start', '--data-dir', folder, '--seed', seed];
  if (!asksForCode) words.push('--no-sign-in-code');
  if (listen !== undefined) {
    words.push('--listen', `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`);
  }
  for (const name of audience) words.push('--audience', name);
  for (const name of hostAlias) words.push('--host-alias', name);
  const child = await context.host.startAgain(words, log.path);
  try {
    const info = await waitUntilReady(context, folder, child, log);
    if (info.pid === child.pid) return { info, already: false };
    // Another process was faster. Left alone, ours would take the folder as soon as that one is stopped.
    context.host.signalProcess(child.pid, 'SIGTERM');
    while (child.ended() === undefined) await context.host.sleep(20, context.signal);
    return { info, already: true };
  } catch (error) {
    if (child.ended() === undefined) context.host.signalProcess(child.pid, 'SIGTERM');
    throw error;
  }
}

async function waitUntilReady(
  context: Context,
  folder: string,
  child: StartedProcess,
  log: Log,
): Promise<PlatformFile> {
  const { host, signal } = context;
  const started = Date.now();
  let endedAt: number | undefined;
  for (;;) {
    const info = await runningPlatform(folder);
    if (info !== undefined && (await answers(info, signal))) return info;
    const end = child.ended();
    if (end !== undefined) endedAt ??= Date.now();
    // Ending well without a platform of its own means that another process was faster; its platform is what counts.
    const givenUp = endedAt !== undefined && (end !== 0 || Date.now() - endedAt > otherTimeoutMs);
    if (givenUp) throw notStarted('The platform did not start', log);
    if (Date.now() - started > startTimeoutMs) {
      throw notStarted(`The platform did not answer within ${startTimeoutMs / 1000} s`, log);
    }
    await host.sleep(50, signal);
  }
}

interface Log {
  readonly path: string;
  /** Bytes that were there before this start. */
  readonly from: number;
}

function prepareLog(folder: string): Log {
  const path = join(folder, 'platform.log');
  try {
    makeFolder(folder, 0o700);
    const size = statIfExists(path)?.size ?? 0;
    if (size <= maxLogBytes) return { path, from: size };
    renameSync(path, `${path}.old`);
    return { path, from: 0 };
  } catch (error) {
    throw toFileError(error, 'write', path);
  }
}

function notStarted(message: string, log: Log): CliError {
  const lines = readFileSync(log.path).subarray(log.from).toString('utf8').trimEnd().split('\n');
  // Then it could not even say so.
  const { bavail, bsize } = statfsSync(log.path);
  if (bavail * bsize < 4096)
    return toFileError(Object.assign(new Error(message), { code: 'ENOSPC' }), 'write', log.path);
  return new CliError('local', message, {
    code: 'local.not-started',
    details: lines.filter((line) => line !== '').slice(-10),
    hint: `see ${log.path}`,
  });
}
