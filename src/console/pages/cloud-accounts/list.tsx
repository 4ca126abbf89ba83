// The table of all groups with a column for each cloud (document 003).

import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import type { Place, Shown, Visit } from '../../page.ts';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { accountOf, type Cloud, cloudNames, clouds, path, recordsOf, rowId } from './records.ts';

export async function list(visit: Visit): Promise<Shown> {
  const records = await recordsOf(visit);
  const column = (cloud: Cloud) => ({
    head: clouds[cloud].name,
    cell: (place: Place) => <Account visit={visit} place={place} cloud={cloud} record={records.get(place.id)} />,
    order: ({ id }: Place) => accountOf(records.get(id) ?? {}, cloud),
  });
  return {
    body: (
      <ListFrame
        visit={visit}
        about="A cloud account that is associated with a group lets the platform act there without a stored key: its identity provider vouches for it, and roles in your account say what it may do."
        rows={visit.places}
        label="groups"
        initialSort="group"
        text={({ id, name }) => `${id} ${name} ${JSON.stringify(records.get(id) ?? '')}`}
        empty={<p>There are no groups that you may see.</p>}
        columns={[
          { head: 'Group', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
          ...cloudNames.map(column),
        ]}
      />
    ),
  };
}

interface AccountProps {
  readonly visit: Visit;
  readonly place: Place;
  readonly cloud: Cloud;
  readonly record: IamAccountAssociations | undefined;
}

function Account({ visit, place, cloud, record }: AccountProps) {
  const { name, word } = clouds[cloud];
  const account = record === undefined ? undefined : accountOf(record, cloud);
  const query = { ...rowsShown(visit), group: place.id, cloud: word };
  const capability = record === undefined ? 'account_associations.create' : 'account_associations.update';
  if (account === undefined) {
    if (!visit.may(capability, place.id)) return <span class="quiet">–</span>;
    return (
      <a class="button small" id={rowId(cloud, place.id)} href={visit.href(path, 'edit', query)}>
        <span aria-hidden="true">✎</span>
        <span class="unseen">{`Associate ${name} with ${place.name}`}</span>
      </a>
    );
  }
  return (
    <>
      <code>{account}</code>{' '}
      <span class="actions">
        <a class="button small" id={rowId(cloud, place.id)} href={visit.href(path, 'check', query)}>
          Check<span class="unseen"> {`${name} of ${place.name}`}</span>
        </a>
        {visit.may('account_associations.delete', place.id) && (
          <a class="button small" href={visit.href(path, 'remove', query)}>
            Remove<span class="unseen"> {`${name} of ${place.name}`}</span>
          </a>
        )}
      </span>
    </>
  );
}
