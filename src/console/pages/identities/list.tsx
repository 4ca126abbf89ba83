// The list of identities, over which the other pages of the folder lie.

import { issuerOf, subjectOf, typeOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { identitiesOf } from '../../identities.ts';
import type { Shown, Visit } from '../../page.ts';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { placesFor } from '../../parts/places.tsx';
import { When } from '../../parts/time.tsx';

export const path = 'settings/identities';
export const makes = ['identity.create', 'role_bindings.create'];

const kindWords: Readonly<Record<string, string>> = {
  aws: 'AWS',
  claim_match: 'OpenID token',
  pull_token: 'Pull token',
  service_principal: 'Service of the platform',
  static: 'Static keys',
};

export const kindOf = (identity: IamIdentity): string => kindWords[typeOf(identity) ?? ''] ?? 'Unknown';
export const rowId = (id: string): string => `identity-${id.slice(id.lastIndexOf('/') + 1)}`;

export async function list(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const identities = await identitiesOf(caller, organization.id);
  const kind = query.get('kind') ?? '';
  const rows = kind === '' ? identities : identities.filter((each) => typeOf(each) === kind);
  return {
    body: (
      <ListFrame
        visit={visit}
        about="What signs in without a person: a workflow, a workload, a machine. Each has a rule that its token must meet."
        create={
          placesFor(visit, makes).length > 0
            ? { title: 'Create identity', href: visit.href(path, 'create', rowsShown(visit)), id: 'create' }
            : undefined
        }
        rows={rows}
        label="identities"
        initialSort="name"
        filterNames={['kind']}
        rowId={({ id = '' }) => rowId(id)}
        text={(each) => `${each.id} ${each.name} ${each.description ?? ''} ${subjectOf(each)} ${issuerOf(each)}`}
        filters={
          <>
            <label for="kind">Kind</label>
            <select id="kind" name="kind">
              <option value="">All</option>
              {Object.entries(kindWords).map(([value, label]) => (
                <option key={value} value={value} selected={value === kind}>
                  {label}
                </option>
              ))}
            </select>
          </>
        }
        empty={<p>There are no such identities.</p>}
        columns={[
          {
            head: 'Name',
            isName: true,
            cell: ({ id, name }) => <a href={visit.href(path, 'identity', { id })}>{name}</a>,
            order: ({ name }) => name,
          },
          { head: 'Kind', cell: kindOf, order: kindOf },
          { head: 'Subject', cell: subjectOf, order: subjectOf },
          {
            head: 'Last used',
            cell: ({ lastSeen }) => (lastSeen ? <When time={lastSeen} now={now} /> : <span class="quiet">never</span>),
            order: ({ lastSeen }) => Date.parse(lastSeen ?? '') || undefined,
          },
        ]}
        actions={({ id = '', name = '', claimMatch, static: keys }) => [
          ...(claimMatch !== undefined || keys !== undefined
            ? [{ title: 'Test', of: `a token for ${name}`, href: visit.href(path, 'test', { id }) }]
            : []),
          ...(visit.may('identity.delete', id)
            ? [{ title: 'Delete', of: name, href: visit.href(path, 'delete', { ...rowsShown(visit), id }) }]
            : []),
        ]}
      />
    ),
  };
}
