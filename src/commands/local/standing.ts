// Keeping a platform from running while its folder is worked on.

import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { localCommand } from './folder.ts';

/** Throws kind `conflict` while a platform runs in the folder. */
export async function refuseWhileRunning(context: Context, folder: string): Promise<void> {
  const { isFolderLocked } = await import('../../local/store/folder-lock.ts');
  if (isFolderLocked(folder)) throw stillRunning(context, folder);
}

/** Does the work while no platform can start there. Throws kind `conflict` when one runs. */
export async function holdingFolder<T>(context: Context, folder: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockOf(context, folder);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** The folder's lock. Throws kind `conflict` when a platform runs there. */
export async function lockOf(context: Context, folder: string) {
  const { lockFolder, PlatformBusyError } = await import('../../local/store/folder-lock.ts');
  try {
    return lockFolder(folder);
  } catch (error) {
    throw error instanceof PlatformBusyError ? stillRunning(context, folder) : error;
  }
}

function stillRunning(context: Context, folder: string): CliError {
  return new CliError('conflict', `The platform in "${folder}" is running`, {
    code: 'local.running',
    hint: `stop it with \`${localCommand(context, folder, 'stop')}\``,
  });
}
