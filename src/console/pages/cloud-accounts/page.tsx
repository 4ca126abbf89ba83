// Settings › Cloud accounts, as the founding document walks through it: a table of all groups with a column for each cloud, and a
// pane for each.

import { type Action, definePage } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { formFrame } from '../../parts/form-frame.tsx';
import { sheetOver } from '../../parts/sheet.tsx';
import { edit, template } from './edit.tsx';
import { gcp, toGoogle } from './google/steps.tsx';
import { list } from './list.tsx';
import { backToRow, type Chosen, chosen, clouds, dissociate, path, rowId } from './records.ts';

const remove = formFrame<Chosen>({
  path,
  behind: list,
  load: async (visit) => chosen(visit),
  pane: (_visit, _form, { cloud, place }) => ({
    title: `Remove ${clouds[cloud].name} from ${place.name}`,
    submit: 'Remove association',
    isDangerous: true,
    anchor: rowId(cloud, place.id),
    fields: (
      <p>
        The platform forgets the account. What was created for it in {clouds[cloud].name} stays there until you remove
        it.
      </p>
    ),
    same: ['iam', 'account-associations', 'unset', clouds[cloud].word, place.id],
  }),
  submit: async (visit, _form, what) => dissociate(visit, what),
});

const check: Action = {
  async show(visit) {
    const what = chosen(visit);
    const { name, word, check: accountType } = clouds[what.cloud];
    const status = await visit.caller.call('iam.v1.GroupAccountAssociations.Check', {
      group: what.place.id,
      accountType,
    });
    const isReady = status.ready === 'Ready';
    const back = backToRow(visit, what);
    return sheetOver(visit, {
      ...{ path, behind: list, back },
      title: 'Check',
      heading: `Check of ${name} for ${what.place.name}`,
      children: (
        <>
          <p role="status">
            <span class={`badge ${isReady ? 'good' : 'bad'}`}>{isReady ? 'Ready' : 'Not ready'}</span>{' '}
            {isReady ? `${name} role impersonation was successful!` : `${name} role impersonation was not successful.`}
          </p>
          {!isReady && (
            <dl class="facts">
              <dt>Reason</dt>
              <dd>{status.reason || 'none was given'}</dd>
              <dt>Message</dt>
              <dd>{status.message || 'none was given'}</dd>
            </dl>
          )}
          <a class="button main" href={back}>
            Done
          </a>
          <SameCommand words={['iam', 'account-associations', 'check', word, what.place.id]} />
        </>
      ),
    });
  },
};

export default definePage({
  path,
  title: 'Cloud accounts',
  about: 'AWS, GCP and Azure accounts that the platform may act in.',
  menu: 32,
  needs: ['account_associations.list'],
  actions: { '': { show: list }, edit, gcp, authenticate: toGoogle, remove, check, template },
});
