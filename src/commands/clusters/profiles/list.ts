import type { TenantClusterProfilesResponseProfile } from '../../../api/schema/types/tenant.gen.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';

const view = defineView<TenantClusterProfilesResponseProfile>({
  columns: [
    { head: 'NAME', value: ({ name }) => name },
    { head: 'DESCRIPTION', value: ({ description }) => description },
    { head: 'DEPENDENCIES', wide: true, value: ({ dependencies = [] }) => dependencies.join(', ') },
  ],
  json: (profile) => profile,
  envelope: 'items',
});

export default defineCommand({
  path: ['clusters', 'profiles', 'list'],
  summary: 'List the profiles that a cluster can have.',
  aliases: ['ls'],
  inputs: {},
  examples: [{ text: 'All of them', args: '' }],
  view,
  formats: ['table', 'wide', 'json'],
  run: async (context) => (await (await context.api()).call('tenant.v1.Clusters.Profiles', {})).profile ?? [],
});
