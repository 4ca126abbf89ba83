import { defineCommand } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { group } from '../../../cli/inputs/references.ts';
import { listDeliveries, redeliver } from '../feed.ts';
import { deliveryView } from './view.ts';

const delivery: Kind<string> = {
  metavar: 'DELIVERY_ID',
  noun: 'delivery',
  parse: (text) => {
    if (!/^[0-9]{1,15}$/.test(text)) throw new Error('must be the number of a delivery');
    return text;
  },
  async candidates(context, chosen) {
    const found = [];
    const place = chosen['parent'] as Reference;
    for await (const each of listDeliveries(await context.api(), { group: place.id })) {
      found.push({ value: each.id, label: `${each.event.type} ${each.state}`, description: each.sink, text: each.id });
      // A person picks among the newest.
      if (found.length === 100) break;
    }
    return found;
  },
  // The command never guesses which one is meant.
  onlyCandidate: async () => undefined,
};

export default defineCommand({
  path: ['events', 'deliveries', 'redeliver'],
  summary: 'Deliver an event once more.',
  description: 'Works for delivered and dead-lettered events too. Only local platforms offer it.',
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      requiredUnless: 'id',
      help: 'Organization or folder to pick from.',
      question: 'Whose deliveries would you like to pick from?',
    },
    id: {
      kind: delivery,
      positional: 'DELIVERY_ID',
      flag: false,
      required: true,
      help: 'Number of the delivery.',
      question: 'Which event would you like to deliver once more?',
    },
  },
  examples: [
    { text: 'By its number', args: '17' },
    { text: 'Pick it from a list', args: '--parent=example.com' },
  ],
  view: deliveryView,
  formats: ['table', 'json', 'id'],
  run: async (context, { id }) => redeliver(await context.api(), id),
});
