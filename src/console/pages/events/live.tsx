// Live view of deliveries: a list that goes on while somebody looks.

import { renderToString } from 'preact-render-to-string';
import { CallFailure } from '../../caller.ts';
import type { Action, Visit } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { When } from '../../parts/time.tsx';
import { type Delivery, deliveriesOf, path, State } from './deliveries.tsx';

/** Lines for our script: the deliveries behind the number that it has seen. */
export const fresh: Action = {
  async show(visit) {
    const after = Number(visit.query.get('after') ?? '0') || 0;
    const deliveries = ((await deliveriesOf(visit)) ?? []).filter(({ id }) => Number(id) > after);
    return {
      type: 'text/html; charset=utf-8',
      text: deliveries.map((each) => renderToString(<LiveLine delivery={each} now={visit.now} />)).join(''),
      headers: { 'x-cursor': deliveries[0]?.id ?? String(after) },
    };
  },
};

function LiveLine({ delivery, now }: { readonly delivery: Delivery; readonly now: number }) {
  const { event, sink, state, createTime } = delivery;
  return (
    <li>
      <When time={createTime} now={now} /> <strong>{event.type}</strong> {event.subject}
      <span class="quiet"> → {sink} </span>
      <State state={state} />
    </li>
  );
}

export const live: Action = {
  async show(visit: Visit) {
    const deliveries = await deliveriesOf(visit);
    if (deliveries === undefined)
      throw new CallFailure('missing', 'This platform does not show deliveries; a local one does.');
    return {
      title: 'Live',
      crumbs: [{ title: 'Live' }],
      body: (
        <>
          <p id="live-state" role="status" class="note">
            Load the page again for what is new.
          </p>
          <ol
            class="plain live"
            data-live={`${visit.href(path, 'fresh')}?after=`}
            data-cursor={deliveries[0]?.id ?? '0'}
            data-state="live-state"
            aria-label="Events, newest first"
          >
            {deliveries.slice(0, 50).map((each) => (
              <LiveLine key={each.id} delivery={each} now={visit.now} />
            ))}
          </ol>
          {deliveries.length === 0 && <p class="note">Nothing has been delivered yet.</p>}
          <SameCommand words={['events', 'listen', `--parent=${visit.organization.name}`]} />
        </>
      ),
    };
  },
};
