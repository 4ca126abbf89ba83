import { defineCommand } from '../../cli/define.ts';
import { locateConfig } from '../../config/paths.ts';

export default defineCommand({
  path: ['config', 'reset'],
  changesHere: true,
  summary: 'Remove the configuration file, so that defaults apply.',
  description: 'A file named by `--config` or CHAINCTL_CONFIG, or one in the current folder, is left alone.',
  inputs: {},
  examples: [
    { text: 'Start over', args: '' },
    { text: 'In a script', args: '--yes' },
  ],
  // A broken file is the best reason to reset.
  readsConfig: false,
  confirm: async (_input, context) => {
    const { resettableConfigs } = await import('../../config/edit.ts');
    const files = resettableConfigs(context.host).map((path) => `"${path}"`);
    return files.length === 0 ? undefined : { message: `Remove ${files.join(' and ')}?`, default: false, isHere: true };
  },
  run: async (context) => {
    const { resetConfig } = await import('../../config/edit.ts');
    const location = locateConfig(context.host, context.globals.config);
    const removed = resetConfig(context.host);
    for (const path of removed) context.io.note(`Removed "${path}".`);
    if (removed.length === 0) context.io.note('There is no configuration file to remove.');
    if (location.read !== undefined && !removed.includes(location.read)) {
      context.io.note(`"${location.read}" stays as it is.`);
    }
  },
});
