import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { CliError } from '../../errors.ts';
import { toFileError } from '../../files.ts';
import { forgetContext } from './context.ts';
import { dataDirInput, folderOf, localCommand } from './folder.ts';

/** Everything a platform makes but its lock, and nothing else: the folder may hold files of its owner. */
const belongings = [
  'platform.db',
  'platform.db-wal',
  'platform.db-shm',
  'platform.json',
  'sign-in-code',
  'platform.log',
  'platform.log.old',
  'blobs',
  'uploads',
] as const;

export default defineCommand({
  path: ['local', 'reset'],
  summary: 'Delete everything the platform holds.',
  description: 'The next start begins with a fresh seed. A running platform must be stopped first.',
  inputs: {
    dataDir: dataDirInput,
  },
  examples: [
    { text: 'Start over', args: '' },
    { text: 'In a script', args: '--yes' },
  ],
  readsConfig: false,
  confirm: async (input, context) => {
    const folder = folderOf(context, input.dataDir);
    if (!holdsPlatform(folder)) return undefined;
    await refuseWhileRunning(context, folder);
    return { message: `Delete the platform in "${folder}" with everything in it?`, default: false, isHere: true };
  },
  run: async (context, input) => {
    const folder = folderOf(context, input.dataDir);
    if (!holdsPlatform(folder)) {
      context.io.note(`There is no platform in "${folder}".`);
      return;
    }
    await removeAll(context, folder);
    await forgetContext(context, folder);
    context.io.note(`Deleted the platform in "${folder}".`);
  },
});

const holdsPlatform = (folder: string) => existsSync(join(folder, 'platform.db'));

async function refuseWhileRunning(context: Context, folder: string): Promise<void> {
  const { isFolderLocked } = await import('../../local/store/folder-lock.ts');
  if (isFolderLocked(folder)) throw stillRunning(context, folder);
}

/** Holds the folder meanwhile, so that no platform starts on what is being removed. */
async function removeAll(context: Context, folder: string): Promise<void> {
  const { lockFolder, PlatformBusyError } = await import('../../local/store/folder-lock.ts');
  let lock: ReturnType<typeof lockFolder>;
  try {
    lock = lockFolder(folder);
  } catch (error) {
    throw error instanceof PlatformBusyError ? stillRunning(context, folder) : error;
  }
  try {
    for (const name of belongings) rmSync(join(folder, name), { recursive: true, force: true });
  } catch (error) {
    lock.release();
    throw toFileError(error, 'remove', folder);
  }
  lock.remove();
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else's files are in it.
  }
}

function stillRunning(context: Context, folder: string): CliError {
  return new CliError('conflict', `The platform in "${folder}" is running`, {
    code: 'local.running',
    hint: `stop it with \`${localCommand(context, folder, 'stop')}\``,
  });
}
