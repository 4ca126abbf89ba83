// Events: who is told of what happens, what became of it, and what happens now.

import { renderToString } from 'preact-render-to-string';
import { parentOf } from '../../../api/uidp.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { definePage, type Sent, type Shown, type Visit, type Went } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { FormBox, SelectField, TextField } from '../../parts/fields.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { When } from '../../parts/time.tsx';

const path = 'events';
/** Beside the API; a platform that has none says so. */
const base = '/local/v1/events';

interface Attempt {
  readonly number: number;
  readonly startTime: string;
  readonly status?: number;
  readonly error?: string;
  readonly answer: string;
}

interface Delivery {
  readonly id: string;
  readonly sink: string;
  readonly subscription: string;
  readonly state: 'pending' | 'delivered' | 'dead';
  readonly tries: number;
  readonly createTime: string;
  readonly event: { readonly type: string; readonly subject: string };
  readonly attempts: readonly Attempt[];
}

async function subscriptionsOf({ caller, organization }: Visit) {
  const { items = [] } = await caller.call('events.v1.Subscriptions.List', {
    uidp: { descendantsOf: organization.id },
  });
  return items;
}

/** Undefined where the platform does not tell. */
async function deliveriesOf(visit: Visit): Promise<readonly Delivery[] | undefined> {
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

async function list(visit: Visit): Promise<Shown> {
  const [subscriptions, deliveries] = await Promise.all([subscriptionsOf(visit), deliveriesOf(visit)]);
  const nameOf = (place: string) => visit.places.find(({ id }) => id === place)?.name ?? place;
  return {
    body: (
      <>
        <div class="top">
          <p>
            A subscription posts each event of a group, as a CloudEvent with a signed token, to an address of yours.{' '}
            <a href={visit.href(path, 'live')}>Watch them live</a>.
          </p>
          {visit.mayAnywhere('subscriptions.create') && (
            <a class="button main" id="create" href={visit.href(path, 'create')}>
              Create subscription
            </a>
          )}
        </div>
        <section aria-labelledby="subscriptions">
          <h2 id="subscriptions">Subscriptions</h2>
          <Listing
            rows={subscriptions}
            label="subscriptions"
            query={visit.query}
            prefix="subscriptions-"
            text={({ sink = '' }) => sink}
            empty={<p>Nothing is told to anybody yet.</p>}
            columns={[
              { head: 'Sink', isName: true, cell: ({ sink }) => sink },
              { head: 'Group', cell: ({ id = '' }) => nameOf(parentOf(id)) },
              {
                head: '',
                cell: ({ id = '', sink }) =>
                  visit.may('subscriptions.delete', id) && (
                    <span class="actions">
                      <a class="button small" href={visit.href(path, 'delete', { id })}>
                        Delete<span class="unseen"> {sink}</span>
                      </a>
                    </span>
                  ),
              },
            ]}
          />
        </section>
        <section aria-labelledby="deliveries">
          <h2 id="deliveries">Deliveries</h2>
          {deliveries === undefined ? (
            <p class="empty">This platform does not tell what became of deliveries; a local one does.</p>
          ) : (
            <Deliveries visit={visit} deliveries={deliveries} />
          )}
        </section>
      </>
    ),
  };
}

const stateLooks = { pending: 'warn', delivered: 'good', dead: 'bad' } as const;

function Deliveries({ visit, deliveries }: { readonly visit: Visit; readonly deliveries: readonly Delivery[] }) {
  return (
    <Listing
      rows={deliveries}
      label="deliveries"
      query={visit.query}
      text={({ sink, state, event }) => `${event.type} ${event.subject} ${sink} ${state}`}
      empty={<p>Nothing has been delivered yet.</p>}
      columns={[
        { head: 'Event', isName: true, cell: ({ event }) => event.type, order: ({ event }) => event.type },
        { head: 'Sink', cell: ({ sink }) => sink, order: ({ sink }) => sink },
        {
          head: 'State',
          cell: ({ state }) => <span class={`badge ${stateLooks[state]}`}>{state}</span>,
          order: ({ state }) => state,
        },
        {
          head: 'Attempts',
          cell: ({ attempts, tries }) => (
            <details>
              <summary>
                {tries} {tries === 1 ? 'attempt' : 'attempts'}
              </summary>
              <ul class="plain">
                {attempts.map(({ number, startTime, status, error, answer }) => (
                  <li key={number}>
                    {number}. <When time={startTime} now={visit.now} />: {error ?? `status ${status}`} {answer}
                  </li>
                ))}
              </ul>
            </details>
          ),
          order: ({ tries }) => tries,
        },
        {
          head: 'Queued',
          cell: ({ createTime }) => <When time={createTime} now={visit.now} />,
          order: ({ createTime }) => Date.parse(createTime),
        },
        {
          head: '',
          cell: ({ id, subscription, event }) =>
            visit.may('subscriptions.update', subscription) && (
              <span class="actions">
                <a class="button small" href={visit.href(path, 'redeliver', { id })}>
                  Redeliver<span class="unseen"> {event.type}</span>
                </a>
              </span>
            ),
        },
      ]}
    />
  );
}

async function showCreate(visit: Visit, form: Form): Promise<Shown> {
  const back = `${visit.href(path)}#create`;
  const places = visit.places.filter(({ id }) => visit.may('subscriptions.create', id));
  return {
    ...(await list(visit)),
    title: 'Create',
    dialog: (
      <Sheet title="Create subscription" back={back}>
        <FormBox form={form} submit="Create subscription" back={back}>
          <TextField
            form={form}
            name="sink"
            type="url"
            label="Sink"
            required
            autofocus
            maxLength={2000}
            note="The https address that events are posted to."
          />
          <SelectField
            form={form}
            name="place"
            label="Events of"
            options={places.map(({ id, name }) => ({ value: id, label: name }))}
          />
        </FormBox>
        <SameCommand
          words={[
            'events',
            'subscriptions',
            'create',
            form.value('sink') || 'SINK',
            `--parent=${form.value('place') || visit.organization.name}`,
          ]}
        />
      </Sheet>
    ),
  };
}

async function create(visit: Visit, form: Form): Promise<Went> {
  const sink = form.value('sink');
  const place = form.value('place') || visit.organization.id;
  refuse({
    sink: URL.canParse(sink) && /^https?:/.test(sink) ? undefined : 'The sink must be an http or https address.',
    place: visit.places.some(({ id }) => id === place) ? undefined : 'Choose a place of this organization.',
  });
  await visit.caller.call('events.v1.Subscriptions.Create', { parentId: place, subscription: { sink } });
  return { to: `${visit.href(path)}#main`, notice: `Events are posted to ${sink} from now on.` };
}

async function subscriptionOf(visit: Visit) {
  const id = visit.query.get('id') ?? '';
  const found = (await subscriptionsOf(visit)).find((each) => each.id === id);
  if (found === undefined) throw new CallFailure('missing', 'It was deleted, or you may not see it any more.');
  return { id, sink: found.sink ?? '' };
}

async function showDelete(visit: Visit, form: Form): Promise<Shown> {
  const [behind, { id, sink }] = await Promise.all([list(visit), subscriptionOf(visit)]);
  const back = visit.href(path);
  return {
    ...behind,
    title: 'Delete',
    dialog: (
      <Sheet title="Delete subscription" back={back}>
        <p>
          Nothing is posted to <strong>{sink}</strong> any more.
        </p>
        <FormBox form={form} submit="Delete subscription" dangerous back={back} />
        <SameCommand words={['events', 'subscriptions', 'delete', id]} />
      </Sheet>
    ),
  };
}

async function remove(visit: Visit): Promise<Went> {
  const { id, sink } = await subscriptionOf(visit);
  await visit.caller.call('events.v1.Subscriptions.Delete', { id });
  return { to: `${visit.href(path)}#main`, notice: `Deleted the subscription of ${sink}.` };
}

const deliveryId = ({ query }: Visit): string => {
  const id = query.get('id') ?? '';
  if (!/^[0-9]{1,15}$/.test(id)) throw new CallFailure('missing', 'There is no such delivery.');
  return id;
};

async function showRedeliver(visit: Visit, form: Form): Promise<Shown> {
  const id = deliveryId(visit);
  const back = visit.href(path);
  return {
    ...(await list(visit)),
    title: 'Redeliver',
    dialog: (
      <Sheet title="Deliver once more" back={back}>
        <p>The same event is posted again, with a new token.</p>
        <FormBox form={form} submit="Redeliver" back={back} />
        <SameCommand words={['events', 'deliveries', 'redeliver', id]} />
      </Sheet>
    ),
  };
}

async function redeliver(visit: Visit): Promise<Went> {
  await visit.caller.beside('POST', `${base}/deliveries/${deliveryId(visit)}:redeliver`);
  return { to: `${visit.href(path)}#main`, notice: 'The event is being delivered once more.' };
}

/** The newest deliveries, for our script: those behind the number that it has seen. */
async function fresh(visit: Visit): Promise<Sent> {
  const after = Number(visit.query.get('after') ?? '0') || 0;
  const deliveries = ((await deliveriesOf(visit)) ?? []).filter(({ id }) => Number(id) > after);
  const newest = deliveries[0]?.id ?? String(after);
  return {
    type: 'text/html; charset=utf-8',
    text: deliveries.map((each) => renderToString(<LiveLine delivery={each} now={visit.now} />)).join(''),
    headers: { 'x-cursor': newest },
  };
}

function LiveLine({ delivery, now }: { readonly delivery: Delivery; readonly now: number }) {
  const { event, sink, state, createTime } = delivery;
  return (
    <li>
      <When time={createTime} now={now} /> <strong>{event.type}</strong> {event.subject}
      <span class="quiet"> → {sink} </span>
      <span class={`badge ${stateLooks[state]}`}>{state}</span>
    </li>
  );
}

async function live(visit: Visit): Promise<Shown> {
  const deliveries = await deliveriesOf(visit);
  if (deliveries === undefined)
    throw new CallFailure('missing', 'This platform does not tell what is delivered; a local one does.');
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
}

export default definePage({
  path,
  title: 'Events',
  about: 'Subscriptions, what was delivered, and what happens now.',
  menu: 20,
  needs: ['subscriptions.list'],
  actions: {
    '': { show: list },
    create: { show: showCreate, submit: create },
    delete: { show: showDelete, submit: remove },
    redeliver: { show: showRedeliver, submit: redeliver },
    live: { show: live },
    fresh: { show: fresh },
  },
});
