import { isUidp } from '../../../api/uidp.ts';
import type { Kind } from '../../../cli/define.ts';

/** The id of a subscription, picked by where it sends to. */
export const subscription: Kind<string> = {
  metavar: 'SUBSCRIPTION_ID',
  noun: 'subscription',
  parse: (text) => {
    if (!isUidp(text)) throw new Error('must be the id of a subscription');
    return text;
  },
  candidates: async (context) => {
    const { items = [] } = await (await context.api()).call('events.v1.Subscriptions.List', {});
    return items.map(({ id = '', sink = '' }) => ({ value: id, label: sink, description: id, text: id }));
  },
  // Which one is meant is never guessed.
  sole: async () => undefined,
};
