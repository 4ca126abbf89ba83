import { defineCommand } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { locateConfig } from '../../config/paths.ts';
import { changeOptions, tellOf } from './change.ts';

export default defineCommand({
  path: ['config', 'save'],
  summary: 'Write the configuration in force to the file.',
  description:
    'Stores every property with the value it has now, wherever that comes from: a flag of this command, the ' +
    'environment, the file or a default. Comments and unknown properties of the file stay.',
  inputs: {
    yes: { kind: boolean, short: 'y', help: 'Do not ask for confirmation.' },
  },
  examples: [
    { text: 'Keep what the environment says now', args: '' },
    { text: 'Into a file of its own, without a question', args: '--config ./staging.yaml --yes' },
  ],
  confirm: (_input, context) => ({
    message: `Write the configuration in force to "${locateConfig(context.host, context.globals.config).write()}"?`,
    default: true,
  }),
  run: async (context) => {
    const { saveConfig } = await import('../../config/edit.ts');
    const edit = await saveConfig(context.host, context.config, changeOptions(context));
    tellOf(context, edit, `Configuration saved to "${edit.path}".`);
  },
});
