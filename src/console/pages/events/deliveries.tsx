// Shows deliveries of events with their attempts and the sink's answers. A platform tells them beside its API.

import { CallFailure } from '../../caller.ts';
import type { Visit } from '../../page.ts';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { When } from '../../parts/time.tsx';

export const path = 'events';
/** Beside the API; a platform that has none says so. */
const base = '/local/v1/events';

interface Attempt {
  readonly number: number;
  readonly startTime: string;
  readonly status?: number;
  readonly error?: string;
  readonly answer: string;
}

export interface Delivery {
  readonly id: string;
  readonly sink: string;
  readonly subscription: string;
  readonly state: 'pending' | 'delivered' | 'dead';
  readonly tries: number;
  readonly createTime: string;
  readonly event: { readonly type: string; readonly subject: string };
  readonly attempts: readonly Attempt[];
}

/** Returns the newest first, 200 at most; undefined where the platform does not tell. */
export async function deliveriesOf(visit: Visit): Promise<readonly Delivery[] | undefined> {
  const query = new URLSearchParams({ group: visit.organization.id, page_size: '200' });
  try {
    const { items = [] } = (await visit.caller.beside('GET', `${base}/deliveries?${query}`)) as {
      items?: readonly Delivery[];
    };
    return items;
  } catch (error) {
    if (error instanceof CallFailure && error.kind === 'missing') return undefined;
    throw error;
  }
}

export async function redeliver({ caller }: Visit, id: string): Promise<void> {
  await caller.beside('POST', `${base}/deliveries/${id}:redeliver`);
}

const stateLooks = { pending: 'warn', delivered: 'good', dead: 'bad' } as const;

export function State({ state }: Pick<Delivery, 'state'>) {
  return <span class={`badge ${stateLooks[state]}`}>{state}</span>;
}

export function Deliveries({ visit, deliveries }: { readonly visit: Visit; readonly deliveries: readonly Delivery[] }) {
  return (
    <ListFrame
      visit={visit}
      title="Deliveries"
      rows={deliveries}
      label="deliveries"
      text={({ sink, state, event }) => `${event.type} ${event.subject} ${sink} ${state}`}
      empty={<p>Nothing has been delivered yet.</p>}
      rowId={({ id }) => `delivery-${id}`}
      columns={[
        { head: 'Event', isName: true, cell: ({ event }) => event.type, order: ({ event }) => event.type },
        { head: 'Sink', cell: ({ sink }) => sink, order: ({ sink }) => sink },
        { head: 'State', cell: ({ state }) => <State state={state} />, order: ({ state }) => state },
        {
          head: 'Attempts',
          cell: (delivery) => <Attempts delivery={delivery} now={visit.now} />,
          order: ({ tries }) => tries,
        },
        {
          head: 'Queued',
          cell: ({ createTime }) => <When time={createTime} now={visit.now} />,
          order: ({ createTime }) => Date.parse(createTime),
        },
      ]}
      actions={({ id, subscription, event }) =>
        visit.may('subscriptions.update', subscription)
          ? [
              {
                title: 'Redeliver',
                of: event.type,
                href: visit.href(path, 'redeliver', { ...rowsShown(visit), id }),
              },
            ]
          : []
      }
    />
  );
}

function Attempts({ delivery, now }: { readonly delivery: Delivery; readonly now: number }) {
  const { tries, attempts } = delivery;
  const words = `${tries} ${tries === 1 ? 'attempt' : 'attempts'}`;
  if (attempts.length === 0) return <>{words}</>;
  return (
    <details>
      <summary>{words}</summary>
      <ol class="attempts">
        {attempts.map(({ number, startTime, status, error, answer }) => (
          <li key={number} value={number}>
            <When time={startTime} now={now} />: {error ?? `status ${status}`}
            {answer !== '' && <code class="answer">{answer}</code>}
          </li>
        ))}
      </ol>
    </details>
  );
}
