import type { EventsSubscription } from '../../../api/schema/types/events.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { parseId, wholeId } from '../../../cli/inputs/ids.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { remembered } from '../../../cli/remembered.ts';

/** All that the caller sees; once a run. */
const visibleSubscriptions = remembered(async (context: Context): Promise<readonly EventsSubscription[]> => {
  const { items = [] } = await (await context.api()).call('events.v1.Subscriptions.List', {});
  return items;
});

/** The id of a subscription, picked by where it sends to. */
export const subscription: Kind<string> = {
  metavar: 'SUBSCRIPTION_ID',
  noun: 'subscription',
  parse: parseId('a subscription'),
  resolve: (context, text) => wholeId(text, 'subscription', () => visibleSubscriptions(context)),
  candidates: async (context) => {
    const items = await visibleSubscriptions(context);
    return items.map(({ id = '', sink = '' }) => ({ value: id, label: sink, description: id, text: id }));
  },
  // The command never guesses which one is meant.
  onlyCandidate: async () => undefined,
};
