import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import { changeOf, defineCommand } from '../../cli/define.ts';
import type { Chosen } from '../../cli/inputs/kind.ts';
import { string } from '../../cli/inputs/values.ts';
import { clusterInput } from './cluster.ts';
import { enforcerOptions, optionsInput, profilesInput } from './options.ts';
import { clusterView } from './view.ts';

const chosenCluster = ({ cluster }: Chosen) => cluster as TenantCluster;

export default defineCommand({
  path: ['clusters', 'update'],
  summary: 'Change how a cluster is called and described.',
  description: 'What its agent may do there is changed by `clusters install --skip-invite` with other profiles.',
  inputs: {
    cluster: clusterInput,
    name: { kind: string, short: 'n', help: 'New name.', current: async (_, chosen) => chosenCluster(chosen).name },
    description: {
      kind: string,
      short: 'd',
      help: 'New description.',
      current: async (_, chosen) => chosenCluster(chosen).description,
    },
    profiles: profilesInput,
    opt: optionsInput,
  },
  check: [changeOf('name', 'description', 'profiles', 'opt')],
  examples: [{ text: 'Another name', args: 'ba5eba11-ba5e-ba11-aa6a-95fc2398fe16 --name=production' }],
  view: clusterView,
  formats: ['table', 'wide', 'json', 'id'],
  run: async (context, { cluster: { id = '' }, name, description, profiles, opt }) => {
    const options = opt.length === 0 ? {} : { enforcerOptions: enforcerOptions(opt) };
    return (await context.api()).call('tenant.v1.Clusters.Update', {
      id,
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(profiles.length === 0 ? {} : { profiles }),
      ...options,
    });
  },
});
