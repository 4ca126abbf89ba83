import type { EventsSubscription } from '../../../api/schema/types/events.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { subscription } from './subscription.ts';
import { subscriptionView } from './view.ts';

async function lookUp(context: Context, id: string): Promise<EventsSubscription> {
  const { items = [] } = await (await context.api()).call('events.v1.Subscriptions.List', { id });
  if (items[0] === undefined) {
    throw new CliError('not-found', `Subscription "${id}" not found`, { code: 'not-found.subscription' });
  }
  return items[0];
}

export default defineCommand({
  path: ['events', 'subscriptions', 'delete'],
  summary: 'Stop sending events to an address.',
  description: 'Events that were not delivered yet are dropped.',
  aliases: ['rm'],
  inputs: {
    id: {
      kind: subscription,
      positional: 'SUBSCRIPTION_ID',
      flag: false,
      required: true,
      help: 'Id of the subscription.',
      question: 'Which subscription would you like to delete?',
    },
  },
  examples: [
    { text: 'By its id', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07 --yes' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: subscriptionView,
  formats: ['id'],
  confirm: async ({ id }, context) => ({
    message: printable(`This stops sending events to ${(await lookUp(context, id)).sink}. Do you want to continue?`),
    default: false,
  }),
  run: async (context, { id }) => {
    await (await context.api()).call('events.v1.Subscriptions.Delete', { id });
    return { id };
  },
});
