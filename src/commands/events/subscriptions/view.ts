import type { EventsSubscription } from '../../../api/schema/types/events.gen.ts';
import { defineView } from '../../../cli/define.ts';

export const subscriptionView = defineView<EventsSubscription>({
  id: ({ id = '' }) => id,
  columns: [
    { head: 'ID', id: true, value: ({ id }) => id },
    { head: 'SINK', value: ({ sink }) => sink },
  ],
  json: ({ id = '', sink = '' }) => ({ id, sink }),
  envelope: 'items',
  empty: 'No subscriptions found.',
});
