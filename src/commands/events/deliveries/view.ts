import { defineView } from '../../../cli/define.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import type { Delivery } from '../feed.ts';

/** Status of the last answer, or why there was none. */
function answerOf({ attempts }: Delivery): string {
  const last = attempts.at(-1);
  return last === undefined ? '' : (last.error ?? String(last.status ?? ''));
}

export const deliveryView = defineView<Delivery>({
  id: ({ id }) => id,
  columns: [
    { head: 'ID', value: ({ id }) => id },
    { head: 'EVENT', value: ({ event }) => event.type },
    { head: 'SUBJECT', value: ({ event }) => event.subject, wide: true },
    { head: 'STATE', value: ({ state }) => state },
    { head: 'TRIES', value: ({ tries }) => tries, align: 'right' },
    { head: 'ANSWER', value: answerOf },
    { head: 'SINK', value: ({ sink }) => sink },
    { head: 'SUBSCRIPTION', value: ({ subscription }) => subscription, wide: true },
    { head: 'CREATED', value: ({ createTime }, cell) => sinceCell(createTime, cell) },
    { head: 'NEXT TRY', value: ({ nextTryTime }) => nextTryTime, wide: true },
  ],
  terse: ({ id }) => id,
  envelope: 'items',
  empty: 'No deliveries found.',
});
