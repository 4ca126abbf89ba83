import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { choice } from '../../../cli/inputs/values.ts';
import { listDeliveries } from '../feed.ts';
import { subscription } from '../subscriptions/subscription.ts';
import { deliveryView } from './view.ts';

export default defineCommand({
  path: ['events', 'deliveries', 'list'],
  summary: 'List deliveries of events, newest first.',
  description:
    'Where each event was posted, how often, and what was answered; -o json has every attempt. Only local platforms tell.',
  aliases: ['ls'],
  inputs: {
    subscription: { kind: subscription, help: 'Only deliveries of this subscription.' },
    parent: {
      kind: group,
      aliases: ['group'],
      requiredUnless: 'subscription',
      config: 'default.group',
      help: 'Organization or folder whose subscriptions are looked at.',
      question: 'Whose deliveries would you like to see?',
    },
    state: {
      kind: choice('pending', 'delivered', 'dead'),
      help: 'Only pending, delivered or dead-lettered deliveries.',
    },
  },
  examples: [
    { text: 'Everything of an organization', args: '--parent=example.com' },
    { text: 'Failed deliveries', args: '--parent=example.com --state=dead --output=id' },
  ],
  view: deliveryView,
  formats: ['table', 'json', 'id', 'wide', 'csv', 'terse', 'markdown'],
  run: async (context, { parent, subscription: one, state }) =>
    listDeliveries(
      await context.api(),
      one === undefined ? { group: parent?.id, state } : { subscription: one, state },
    ),
});
