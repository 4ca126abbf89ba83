// Settings › Identities: what signs in without a person, and by which rule.

import { identityOf } from '../../identities.ts';
import { definePage } from '../../page.ts';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { create } from './create.tsx';
import { describe } from './describe.tsx';
import { list, path, rowId } from './list.tsx';
import { test } from './test.tsx';

const remove = formFrame({
  path,
  behind: list,
  load: ({ caller, query }) => identityOf(caller, query.get('id') ?? ''),
  pane: (_visit, _form, { id, name }) => ({
    title: 'Delete identity',
    submit: 'Delete identity',
    isDangerous: true,
    anchor: rowId(id),
    fields: (
      <p>
        This deletes <strong>{name}</strong> with its roles. Whatever signs in as it is refused at once.
      </p>
    ),
    same: ['iam', 'identities', 'delete', id],
  }),
  async submit(visit, _form, { id, name }) {
    await visit.caller.call('iam.v1.Identities.Delete', { id });
    return { to: backTo(visit, path, 'main'), notice: `Deleted the identity “${name}”.` };
  },
});

export default definePage({
  path,
  title: 'Identities',
  about: 'What signs in without a person, and by which rule.',
  menu: 34,
  needs: ['identity.list'],
  actions: { '': { show: list }, identity: describe, create, test, delete: remove },
});
