import { defineCommand, defineView } from '../../../cli/define.ts';

const view = defineView<{ readonly cidr: string }>({
  columns: [{ head: 'CIDR', value: ({ cidr }) => cidr }],
  json: ({ cidr }) => cidr,
  envelope: 'items',
  empty: 'The platform calls no cluster: agents call the platform, so no address has to be let in.',
});

export default defineCommand({
  path: ['clusters', 'cidrs', 'list'],
  summary: 'List the addresses that the platform calls clusters from.',
  aliases: ['ls'],
  inputs: {},
  examples: [{ text: 'For a firewall', args: '--output=json' }],
  view,
  formats: ['table', 'json'],
  run: async (context) => {
    const { cidrBlocks = [] } = await (await context.api()).call('tenant.v1.Clusters.CIDR', {});
    return cidrBlocks.map((cidr) => ({ cidr }));
  },
});
