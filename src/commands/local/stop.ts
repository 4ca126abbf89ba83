import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { CliError } from '../../errors.ts';
import { dataDirInput, folderOf, runningPlatform, servingProcess } from './folder.ts';

/** Time that a platform may take to end: two seconds for requests under way, and some. */
const graceMs = 5_000;
const killMs = 5_000;
/** The folder is free a moment before the process is gone; one that nobody reaps never quite goes. */
const reapMs = 2_000;

export default defineCommand({
  path: ['local', 'stop'],
  changesHere: true,
  summary: 'Stop the platform.',
  description: 'Returns when it has ended. What it holds stays for the next start. Nothing to stop is fine.',
  inputs: { dataDir: dataDirInput },
  examples: [
    { text: 'Stop it', args: '' },
    { text: 'The one in another folder', args: '--data-dir ./platform' },
  ],
  readsConfig: false,
  run: async (context, input) => {
    const folder = folderOf(context, input.dataDir);
    const pid = await runningProcess(folder);
    if (pid === undefined) {
      context.io.note(`No platform is running in "${folder}".`);
      return;
    }
    const signalled = context.host.signalProcess(pid, 'SIGTERM');
    if (!signalled && (await isServed(folder))) throw notOurs(pid);
    if (!(await freeWithin(context, folder, graceMs))) {
      context.io.warn(`it did not end within ${graceMs / 1000} s, so process ${pid} is killed`);
      context.host.signalProcess(pid, 'SIGKILL');
      if (!(await freeWithin(context, folder, killMs))) throw notOurs(pid);
    }
    await goneWithin(context, pid, reapMs);
    context.io.note('The platform has stopped.');
  },
});

/** A damaged file keeps nobody from ending the platform. */
async function runningProcess(folder: string): Promise<number | undefined> {
  try {
    return (await runningPlatform(folder))?.pid;
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'local.damaged-file') throw error;
    const pid = await servingProcess(folder);
    if (pid === undefined) throw error;
    return pid;
  }
}

async function isServed(folder: string): Promise<boolean> {
  const { isFolderLocked } = await import('../../local/store/folder-lock.ts');
  return isFolderLocked(folder);
}

/** The lock is let go of last, so a folder that is free can be started on, reset or removed at once. */
async function freeWithin(context: Context, folder: string, ms: number): Promise<boolean> {
  for (let waited = 0; waited < ms; waited += 50) {
    if (!(await isServed(folder))) return true;
    await context.host.sleep(50, context.signal);
  }
  return !(await isServed(folder));
}

async function goneWithin(context: Context, pid: number, ms: number): Promise<void> {
  for (let waited = 0; waited < ms && context.host.signalProcess(pid, 0); waited += 20) {
    await context.host.sleep(20, context.signal);
  }
}

function notOurs(pid: number): CliError {
  return new CliError('local', `Process ${pid} cannot be stopped from here`, {
    code: 'local.cannot-stop',
    hint: 'it may belong to another user, or run in another container',
  });
}
