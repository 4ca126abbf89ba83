import { defineCommand, defineView } from '../../cli/define.ts';
import { enforcerOptions, optionsInput, profilesInput } from './options.ts';

const view = defineView<{ readonly yaml: string }>({
  text: ({ yaml }) => yaml,
  json: ({ yaml }) => ({ config: yaml }),
});

export default defineCommand({
  path: ['clusters', 'print-config'],
  summary: 'Print what `clusters install` applies to a cluster.',
  inputs: { profiles: profilesInput, opt: optionsInput },
  examples: [
    { text: 'To read before it is applied', args: '' },
    { text: 'An agent that only watches', args: '--profiles=observer' },
  ],
  view,
  formats: ['text', 'json'],
  run: async (context, { profiles, opt }) => {
    const answer = await (await context.api()).call('tenant.v1.Clusters.Config', {
      profiles,
      enforcerOptions: enforcerOptions(opt),
    });
    const decoded = [answer.mcpConfig, answer.tenantConfig].map((text = '') => Buffer.from(text, 'base64').toString());
    return { yaml: decoded.join('') };
  },
});
