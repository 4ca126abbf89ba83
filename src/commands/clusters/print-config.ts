import { defineCommand, defineView } from '../../cli/define.ts';
import { string } from '../../cli/inputs/values.ts';
import { enforcerOptions, optionsInput, profilesInput } from './options.ts';

const view = defineView<{ readonly yaml: string }>({
  text: ({ yaml }) => yaml,
  json: ({ yaml }) => ({ config: yaml }),
});

export default defineCommand({
  path: ['clusters', 'print-config'],
  summary: 'Print what `clusters install` applies to a cluster.',
  inputs: {
    profiles: profilesInput,
    opt: optionsInput,
    agentImage: {
      kind: { ...string, metavar: 'IMAGE' },
      help: 'With the pod that runs the agent from this image, as `clusters install --agent-image` applies it.',
    },
  },
  examples: [
    { text: 'To read before it is applied', args: '' },
    { text: 'An agent that only watches', args: '--profiles=observer' },
  ],
  view,
  formats: ['text', 'json'],
  run: async (context, { profiles, opt, agentImage }) => {
    const answer = await (await context.api()).call('tenant.v1.Clusters.Config', {
      profiles,
      enforcerOptions: enforcerOptions(opt),
    });
    const decoded = [answer.mcpConfig, answer.tenantConfig].map((text = '') => Buffer.from(text, 'base64').toString());
    if (agentImage === undefined) return { yaml: decoded.join('') };
    const { podObjects, toYaml } = await import('./pod-manifests.ts');
    return { yaml: [...decoded, toYaml(podObjects(agentImage))].join('') };
  },
});
