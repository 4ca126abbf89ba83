// Events: who is told of what happens, what became of it, and what happens now.

import { parentOf } from '../../../api/uidp.ts';
import { CallFailure } from '../../caller.ts';
import { refuse } from '../../form.ts';
import { definePage, type Shown, type Visit } from '../../page.ts';
import { TextField } from '../../parts/fields.tsx';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { PlaceField, placeIn, placeName, placeWord } from '../../parts/places.tsx';
import { Deliveries, deliveriesOf, path, redeliver } from './deliveries.tsx';
import { fresh, live } from './live.tsx';

async function subscriptionsOf({ caller, organization }: Visit) {
  const { items = [] } = await caller.call('events.v1.Subscriptions.List', {
    uidp: { descendantsOf: organization.id },
  });
  return items;
}

async function list(visit: Visit): Promise<Shown> {
  const [subscriptions, deliveries] = await Promise.all([subscriptionsOf(visit), deliveriesOf(visit)]);
  return {
    body: (
      <>
        <div class="top">
          <p>
            A subscription posts each event of a group, as a CloudEvent with a signed token, to an address of yours.
          </p>
          <a class="button" href={visit.href(path, 'live')}>
            Watch live
          </a>
        </div>
        <ListFrame
          visit={visit}
          title="Subscriptions"
          create={
            visit.mayAnywhere('subscriptions.create')
              ? { title: 'Create subscription', href: visit.href(path, 'create', rowsShown(visit)), id: 'create' }
              : undefined
          }
          rows={subscriptions}
          label="subscriptions"
          prefix="subscriptions-"
          rowId={({ id = '' }) => rowId(id)}
          text={({ sink = '' }) => sink}
          empty={<p>There are no subscriptions yet.</p>}
          columns={[
            { head: 'Sink', isName: true, cell: ({ sink }) => sink },
            { head: 'Group', cell: ({ id = '' }) => placeName(visit, parentOf(id)) },
          ]}
          actions={({ id = '', sink = '' }) =>
            visit.may('subscriptions.delete', id)
              ? [{ title: 'Delete', of: sink, href: visit.href(path, 'delete', { ...rowsShown(visit), id }) }]
              : []
          }
        />
        {deliveries === undefined ? (
          <section aria-labelledby="deliveries">
            <h2 id="deliveries">Deliveries</h2>
            <p class="empty">This platform does not show deliveries; a local one does.</p>
          </section>
        ) : (
          <Deliveries visit={visit} deliveries={deliveries} />
        )}
      </>
    ),
  };
}

const rowId = (id: string): string => `subscription-${id.slice(id.lastIndexOf('/') + 1)}`;

const create = formFrame({
  path,
  behind: list,
  pane: (visit, form) => ({
    title: 'Create subscription',
    submit: 'Create subscription',
    anchor: 'create',
    fields: (
      <>
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
        <PlaceField visit={visit} form={form} needs={['subscriptions.create']} label="Events of" />
      </>
    ),
    same: [
      ...['events', 'subscriptions', 'create', form.value('sink') || 'SINK'],
      `--parent=${placeWord(visit, form)}`,
    ],
  }),
  async submit(visit, form) {
    const sink = form.value('sink');
    const { place, problem } = placeIn(visit, form);
    refuse({
      sink: URL.canParse(sink) && /^https?:/.test(sink) ? undefined : 'The sink must be an http or https address.',
      place: problem,
    });
    await visit.caller.call('events.v1.Subscriptions.Create', { parentId: place, subscription: { sink } });
    return { to: backTo(visit, path, 'main'), notice: `Events are posted to ${sink} from now on.` };
  },
});

const remove = formFrame({
  path,
  behind: list,
  async load(visit) {
    const id = visit.query.get('id') ?? '';
    const found = (await subscriptionsOf(visit)).find((each) => each.id === id);
    if (found === undefined) throw new CallFailure('missing', 'It was deleted, or you may not see it any more.');
    return { id, sink: found.sink ?? '' };
  },
  pane: (_visit, _form, { id, sink }) => ({
    title: 'Delete subscription',
    submit: 'Delete subscription',
    isDangerous: true,
    anchor: rowId(id),
    fields: (
      <p>
        Nothing is posted to <strong>{sink}</strong> any more.
      </p>
    ),
    same: ['events', 'subscriptions', 'delete', id],
  }),
  async submit(visit, _form, { id, sink }) {
    await visit.caller.call('events.v1.Subscriptions.Delete', { id });
    return { to: backTo(visit, path, 'main'), notice: `Deleted the subscription of ${sink}.` };
  },
});

const again = formFrame({
  path,
  behind: list,
  async load({ query }) {
    const id = query.get('id') ?? '';
    if (!/^[0-9]{1,15}$/.test(id)) throw new CallFailure('missing', 'There is no such delivery.');
    return id;
  },
  pane: (_visit, _form, id) => ({
    title: 'Deliver once more',
    submit: 'Redeliver',
    anchor: `delivery-${id}`,
    fields: <p>The same event is posted again, with a new token.</p>,
    same: ['events', 'deliveries', 'redeliver', id],
  }),
  async submit(visit, _form, id) {
    await redeliver(visit, id);
    return { to: backTo(visit, path, `delivery-${id}`), notice: 'The event is being delivered once more.' };
  },
});

export default definePage({
  path,
  title: 'Events',
  about: 'Subscriptions, what was delivered, and what happens now.',
  menu: 20,
  needs: ['subscriptions.list'],
  actions: { '': { show: list }, create, delete: remove, redeliver: again, live, fresh },
});
