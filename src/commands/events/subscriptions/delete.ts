import type { EventsSubscription } from '../../../api/schema/types/events.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineDelete } from '../../../cli/noun-commands.ts';
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

export default defineDelete({
  path: ['events', 'subscriptions', 'delete'],
  summary: 'Stop sending events to an address.',
  description: 'Events that were not delivered yet are dropped.',
  noun: {
    kind: subscription,
    positional: 'SUBSCRIPTION_ID',
    help: 'Id of the subscription.',
    called: 'subscription',
  },
  examples: [
    { text: 'By its id', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07 --yes' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: subscriptionView,
  formats: ['id'],
  describeConsequence: async (context, id) => `This stops sending events to ${(await lookUp(context, id)).sink}.`,
  run: async (context, id): Promise<EventsSubscription> => {
    await (await context.api()).call('events.v1.Subscriptions.Delete', { id });
    return { id };
  },
});
