import { defineCommand } from '../../../cli/define.ts';
import { changeOptions, reportChange } from '../change.ts';
import { contextInput } from './input.ts';

export default defineCommand({
  path: ['config', 'contexts', 'use'],
  changesHere: true,
  summary: 'Select the context for every command from now on.',
  description: 'Also in other shells. Flags and variables still win there; see `chainctl config contexts --help`.',
  inputs: { context: { ...contextInput, help: 'Which one.', question: 'Which context would you like to use?' } },
  examples: [
    { text: 'Pick one', args: '' },
    { text: 'Back to production', args: 'production' },
  ],
  readsConfig: false,
  run: async (context, input) => {
    const { selectContext } = await import('../../../config/edit.ts');
    const { name } = input.context;
    const edit = await selectContext(context.host, name, changeOptions(context));
    reportChange(context, edit, `Commands act on "${name}" from now on.`);
    for (const variable of ['CHAINGUARD_PLATFORM_API', 'CHAINCTL_CONTEXT']) {
      if (context.host.env[variable]) context.io.warn(`${variable} is set in this shell and wins over it here`);
    }
  },
});
