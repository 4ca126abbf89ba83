import { defineCommand } from '../../cli/define.ts';
import { CliError } from '../../errors.ts';
import { answers, dataDirInput, folderOf, localCommand, runningPlatform } from './folder.ts';
import { type PlatformStatus, statusView } from './view.ts';

export default defineCommand({
  path: ['local', 'status'],
  summary: 'Show whether the platform is running, and where.',
  description: 'Exits 1 when it is not running or does not answer.',
  inputs: { dataDir: dataDirInput },
  examples: [
    { text: 'For a person', args: '' },
    { text: 'For a script', args: '--output=json' },
  ],
  view: statusView,
  formats: ['text', 'json'],
  readsConfig: false,
  exitError: ([status]) => {
    if (status?.answers) return undefined;
    const message = status?.running ? 'The platform does not answer' : 'The platform is not running';
    return new CliError('local', message, { code: 'local.not-running', ...(status && { hint: status.fix }) });
  },
  run: async (context, input): Promise<PlatformStatus> => {
    const dataDir = folderOf(context, input.dataDir);
    const platform = await runningPlatform(dataDir);
    const start = `start it with \`${localCommand(context, dataDir, 'start')} --detach\``;
    if (platform === undefined) return { running: false, answers: false, dataDir, fix: start };
    const fix = `stop it with \`${localCommand(context, dataDir, 'stop')}\`, then ${start}`;
    return { running: true, answers: await answers(platform, context.signal), dataDir, fix, platform };
  },
});
