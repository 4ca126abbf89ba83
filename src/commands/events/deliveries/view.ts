import { defineView } from '../../../cli/define.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import type { Delivery } from '../feed.ts';

/** Status of the last answer, or why there was none. */
function answerOf({ attempts }: Delivery): string {
  const last = attempts.at(-1);
  return last === undefined ? '' : (last.error ?? String(last.status ?? ''));
}

const stateOf = ({ state }: Delivery) => (state === 'delivered' ? 'pass' : state === 'dead' ? 'fail' : 'warn');

export const deliveryView = defineView<Delivery>({
  id: ({ id }) => id,
  columns: [
    { head: 'ID', value: ({ id }) => id },
    { head: 'EVENT', rank: 1, value: ({ event }) => event.type },
    { head: 'SUBJECT', value: ({ event }) => event.subject, wide: true },
    { head: 'STATE', state: stateOf, value: ({ state }) => state },
    { head: 'TRIES', rank: 4, value: ({ tries }) => tries, align: 'right' },
    { head: 'ANSWER', rank: 2, value: answerOf },
    { head: 'SINK', rank: 3, value: ({ sink }) => sink },
    { head: 'SUBSCRIPTION', value: ({ subscription }) => subscription, wide: true },
    { head: 'CREATED', rank: 5, value: ({ createTime }, cell) => sinceCell(createTime, cell) },
    { head: 'NEXT TRY', value: ({ nextTryTime }) => nextTryTime, wide: true },
  ],
  terse: ({ id }) => id,
  envelope: 'items',
  empty: 'No deliveries found.',
});
