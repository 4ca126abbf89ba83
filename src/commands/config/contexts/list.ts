import { defineCommand } from '../../../cli/define.ts';
import { contextsOf, contextView, shown } from './view.ts';

export default defineCommand({
  path: ['config', 'contexts', 'list'],
  summary: 'List contexts.',
  aliases: ['ls'],
  inputs: {},
  examples: [
    { text: 'All', args: '' },
    { text: 'With every address', args: '--output=wide' },
  ],
  view: contextView,
  formats: ['table', 'wide', 'json', 'id', 'csv'],
  readsConfig: false,
  run: async (context) => {
    const contexts = await contextsOf(context);
    const variables = ['CHAINGUARD_PLATFORM_API', 'CHAINCTL_CONTEXT'].filter((name) => context.host.env[name]);
    if (variables.length > 0 && !context.isJsonAlone) {
      context.io.note(`In this shell ${variables.join(' and ')} decide${variables.length > 1 ? '' : 's'} instead.`);
    }
    return shown(contexts);
  },
});
