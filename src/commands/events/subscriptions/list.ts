import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { subscriptionView } from './view.ts';

export default defineCommand({
  path: ['events', 'subscriptions', 'list'],
  summary: 'List where events are sent.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      help: 'Only subscriptions at this organization or folder, or below it.',
    },
  },
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'Only the ids, for a script', args: '--parent=example.com --output=id' },
  ],
  view: subscriptionView,
  formats: ['table', 'json', 'id'],
  run: async (context, { parent }) => {
    const within = parent === undefined ? {} : { uidp: { descendantsOf: parent.id } };
    const { items = [] } = await (await context.api()).call('events.v1.Subscriptions.List', within);
    return [...items].sort((a, b) => ((a.id ?? '') < (b.id ?? '') ? -1 : 1));
  },
});
