import { defineCommand } from '../../cli/define.ts';
import { byNameThenId, group } from '../../cli/inputs/references.ts';
import { string } from '../../cli/inputs/values.ts';
import { activeWithin, sinceTime } from './cluster.ts';
import { clusterView } from './view.ts';

export default defineCommand({
  path: ['clusters', 'list'],
  summary: 'List clusters whose agent was seen lately.',
  aliases: ['ls'],
  inputs: {
    group: {
      kind: group,
      aliases: ['parent'],
      config: 'default.group',
      help: 'Only clusters of this organization or folder, or below it.',
    },
    name: { kind: string, short: 'n', help: 'Only clusters of this name.' },
    activeWithin,
  },
  examples: [
    { text: 'Those of the last day', args: '' },
    { text: 'All that there ever were', args: '--active-within=8760h' },
  ],
  view: clusterView,
  formats: ['table', 'wide', 'json', 'id', 'csv', 'markdown'],
  run: async (context, { group: parent, name, activeWithin: within }) => {
    const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', {
      activeSince: sinceTime(context, within),
      ...(name === undefined ? {} : { name }),
      ...(parent === undefined ? {} : { uidp: { descendantsOf: parent.id } }),
    });
    return [...items].sort(byNameThenId);
  },
});
