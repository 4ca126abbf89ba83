import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { toFileError } from '../../files.ts';
import { forgetContext } from './context.ts';
import { dataDirInput, folderOf } from './folder.ts';
import { lockOf, refuseWhileRunning } from './standing.ts';

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
  changesHere: true,
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

/** Holds the folder meanwhile, so that no platform starts on what is being removed. */
async function removeAll(context: Context, folder: string): Promise<void> {
  const lock = await lockOf(context, folder);
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
