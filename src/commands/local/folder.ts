// The folder a platform lives in, and whether one is running there.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { file } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';
import { dataDir } from '../../host.ts';
import type { PlatformFile } from '../../local/platform-file.ts';
import { shellWord } from '../../shell-word.ts';

export const dataDirInput = {
  kind: { ...file, metavar: 'FOLDER' },
  help: 'Folder that holds the state of the platform. Defaults to chainctl/local below your data folder.',
} as const;

/** Absolute. */
export function folderOf(context: Context, given: string | undefined): string {
  return given === undefined ? defaultFolder(context) : resolve(context.host.cwd, given);
}

export function defaultFolder(context: Context): string {
  return join(dataDir(context.host), 'chainctl', 'local');
}

/** `chainctl local <verb>` for this folder, to be typed as it is. */
export function localCommand(context: Context, folder: string, verb: string): string {
  const flag = isDefault(context, folder) ? '' : ` --data-dir ${shellWord(folder)}`;
  return `chainctl local ${verb}${flag}`;
}

export function isDefault(context: Context, folder: string): boolean {
  try {
    return folder === defaultFolder(context);
  } catch {
    // No home folder, so there is no default.
    return false;
  }
}

export async function runningPlatform(folder: string): Promise<PlatformFile | undefined> {
  // Most questions about a folder without a platform are answered without loading SQLite.
  if (!existsSync(join(folder, 'platform.json'))) return undefined;
  const { findPlatform } = await import('../../local/platform-file.ts');
  try {
    return findPlatform(folder);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CliError('local', `"${join(folder, 'platform.json')}" is damaged, so the platform cannot be found`, {
      code: 'local.damaged-file',
      hint: 'end the platform with `chainctl local stop` and start it again, which writes the file again',
      cause: error,
    });
  }
}

/**
 * The process that serves the folder, by what the platform keeps in its database as well; undefined when none does.
 * For ending one whose `platform.json` is damaged.
 */
export async function servingProcess(folder: string): Promise<number | undefined> {
  const { findServingProcess } = await import('../../local/platform-file.ts');
  return findServingProcess(folder);
}

/** The clear words for a folder that a newer version has written; anything else as it is. */
export function toStateError(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error.name !== 'NewerStoreError') return error;
  return new CliError('local', `The state in "${folder}" was written by a newer chainctl and was left as it is`, {
    code: 'local.newer-state',
    hint: 'use that version, or another folder with `--data-dir`',
    cause: error,
  });
}

/** Throws kind `local` when none is running. */
export async function requireRunning(context: Context, folder: string): Promise<PlatformFile> {
  const running = await runningPlatform(folder);
  if (running === undefined) throw notRunning(context, folder);
  return running;
}

export function notRunning(context: Context, folder: string): CliError {
  return new CliError('local', `No platform is running in "${folder}"`, {
    code: 'local.not-running',
    hint: `start one with \`${localCommand(context, folder, 'start')} --detach\``,
  });
}

/**
 * Returns whether the platform answers on its address within two seconds. Straight to loopback: a proxy has no business
 * here.
 */
export async function answers(platform: PlatformFile, signal: AbortSignal): Promise<boolean> {
  const { get } = await import('node:http');
  return new Promise((settle) => {
    const url = `${platform.issuer}/.well-known/openid-configuration`;
    const request = get(url, { timeout: 2000, signal, agent: false }, (response) => {
      response.resume();
      settle(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => settle(false));
  });
}
