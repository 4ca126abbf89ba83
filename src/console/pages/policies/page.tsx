// Policies and their versions. Guarantees: a document is taken by the platform as it is or refused with its line; what counts in
// clusters changes only after it was confirmed.

import type { IamPolicy, IamPolicyVersion } from '../../../api/schema/types/iam.gen.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { TextArea, TextField } from '../../parts/fields.tsx';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { Table } from '../../parts/listing.tsx';
import { PlaceField, placeIn, placeName, placesFor, placeWord } from '../../parts/places.tsx';
import { When } from '../../parts/time.tsx';

const path = 'policies';
const example = `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: signed-only
spec:
  images:
    - glob: "**/example.com/**"
  authorities:
    - keyless:
        url: https://fulcio.sigstore.dev
        identities:
          - issuer: https://accounts.google.com
            subject: you@example.com
`;

const parentOf = (id: string): string => id.slice(0, id.lastIndexOf('/'));
const rowId = (id: string): string => `policy-${id.slice(id.lastIndexOf('/') + 1)}`;

const policiesOf = async ({ caller, organization }: Visit): Promise<readonly IamPolicy[]> =>
  (await caller.call('iam.v1.Policies.List', { uidp: { descendantsOf: organization.id } })).items ?? [];

async function list(visit: Visit): Promise<Shown> {
  const policies = await policiesOf(visit);
  const { now } = visit;
  return {
    body: (
      <>
        <ListFrame
          visit={visit}
          about="A policy says whose signatures images need. It counts in the clusters of its group and of everything below it, within ten seconds."
          create={
            placesFor(visit, ['policy.create']).length > 0
              ? { title: 'Create policy', href: visit.href(path, 'create', rowsShown(visit)), id: 'create' }
              : undefined
          }
          rows={policies}
          label="policies"
          initialSort="name"
          rowId={({ id = '' }) => rowId(id)}
          text={({ id, name, description, document }) => `${id} ${name} ${description ?? ''} ${document ?? ''}`}
          empty={<p>There are no policies yet: every image may run.</p>}
          columns={[
            {
              head: 'Name',
              isName: true,
              cell: ({ id, name }) => <a href={visit.href(path, 'policy', { id })}>{name}</a>,
              order: ({ name }) => name,
            },
            { head: 'Group', cell: ({ id = '' }) => placeName(visit, parentOf(id)) },
            { head: 'Description', cell: ({ description }) => description ?? '' },
            { head: 'Version', cell: ({ enforcedVersion }) => enforcedVersion?.label ?? '' },
            {
              head: 'Updated',
              cell: ({ updatedAt }) => <When time={updatedAt} now={now} />,
              order: ({ updatedAt }) => Date.parse(updatedAt ?? '') || undefined,
            },
          ]}
          actions={({ id = '', name = '' }) => [
            ...(visit.may('policy.update', id)
              ? [{ title: 'Edit', of: name, href: visit.href(path, 'edit', { ...rowsShown(visit), id }) }]
              : []),
            ...(visit.may('policy.delete', id)
              ? [{ title: 'Delete', of: name, href: visit.href(path, 'delete', { ...rowsShown(visit), id }) }]
              : []),
          ]}
        />
        <SameCommand words={['policies', 'list', `--group=${visit.organization.name}`]} />
      </>
    ),
  };
}

type Policy = IamPolicy & { readonly id: string; readonly name: string };

async function policyOf({ caller, query, organization }: Visit): Promise<Policy> {
  const id = query.get('id') ?? '';
  const { items = [] } = id.startsWith(`${organization.id}/`) ? await caller.call('iam.v1.Policies.List', { id }) : {};
  const [found] = items;
  if (found?.id === undefined)
    throw new CallFailure('missing', 'The policy was deleted, or you may not see it any more.');
  return { ...found, id: found.id, name: found.name ?? '' };
}

async function show(visit: Visit): Promise<Shown> {
  const policy = await policyOf(visit);
  const { items: versions = [] } = await visit.caller.call('iam.v1.Policies.ListVersions', { policyId: policy.id });
  const mayChange = visit.may('policy.update', policy.id);
  return {
    title: policy.name,
    crumbs: [{ title: policy.name }],
    body: (
      <>
        <div class="top">
          <p>
            {policy.description && (
              <>
                {policy.description}
                <br />
              </>
            )}
            <span class="quiet">It counts in {placeName(visit, parentOf(policy.id))} and below.</span>
          </p>
          {mayChange && (
            <a class="button main" id="edit" href={visit.href(path, 'edit', { id: policy.id })}>
              Edit
            </a>
          )}
        </div>
        <section aria-labelledby="document">
          <h2 id="document">Document</h2>
          <pre>
            <code>{policy.document}</code>
          </pre>
        </section>
        <section aria-labelledby="versions">
          <h2 id="versions">Versions</h2>
          <Table
            rows={versions}
            label="versions"
            rowId={({ id = '' }) => rowId(id)}
            columns={[
              { head: 'Version', isName: true, cell: ({ label }) => label },
              {
                head: 'State',
                cell: ({ id }) => (id === policy.enforcedVersion?.id ? <span class="badge good">enforced</span> : ''),
              },
              { head: 'Created', cell: ({ createdAt }) => <When time={createdAt} now={visit.now} /> },
              { head: 'By', cell: ({ author }) => author?.email || author?.id || '' },
              {
                head: '',
                cell: ({ id = '', label = '' }) =>
                  mayChange && id !== policy.enforcedVersion?.id ? (
                    <a class="button small" href={visit.href(path, 'activate', { id: policy.id, version: id })}>
                      Activate<span class="unseen"> {label}</span>
                    </a>
                  ) : null,
              },
            ]}
          />
        </section>
        <SameCommand words={['policies', 'view', policy.name]} />
      </>
    ),
  };
}

const create = formFrame({
  path,
  behind: list,
  pane: (visit, form) => ({
    title: 'Create policy',
    submit: 'Create policy',
    anchor: 'create',
    fields: (
      <>
        {placesFor(visit, ['policy.create']).length > 1 && (
          <PlaceField visit={visit} form={form} needs={['policy.create']} label="Counts in" />
        )}
        <TextField form={form} name="description" label="Description (optional)" maxLength={500} />
        <TextArea
          form={form}
          name="document"
          label="Document"
          rows={18}
          required
          isExact
          initial={example}
          note="One ClusterImagePolicy in YAML or JSON. Its metadata.name is the name of the policy."
        />
        <p class="note">
          It counts in the clusters of the group, and of everything below it, as soon as it is created.
        </p>
      </>
    ),
    same: ['policies', 'create', `--group=${placeWord(visit, form)}`, '--filename=FILE'],
  }),
  async submit(visit, form): Promise<Went> {
    const { place, problem } = placeIn(visit, form);
    refuse({ place: problem });
    const description = form.value('description');
    const policy = { document: documentIn(form), ...(description === '' ? {} : { description }) };
    const made = await asField(visit.caller.call('iam.v1.Policies.Create', { parentId: place, policy }));
    return { to: visit.href(path, 'policy', { id: made.id }), notice: `Created the policy “${made.name}”.` };
  },
});

function documentIn(form: Form): string {
  const text = form.exact('document');
  refuse({ document: text.trim() === '' ? 'Write the document, or paste it.' : undefined });
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Returns what is wrong with a document belongs to its field. */
async function asField<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const [, problem] = (error instanceof CallFailure && /\bdocument: (.*)$/s.exec(error.message)) || [];
    if (problem !== undefined) refuse({ document: problem });
    throw error;
  }
}

const edit = formFrame({
  path,
  behind: list,
  load: policyOf,
  pane: (_visit, form, policy) => ({
    title: `Edit ${policy.name}`,
    submit: 'Save and enforce',
    anchor: rowId(policy.id),
    fields: (
      <>
        <TextField
          form={form}
          name="description"
          label="Description (optional)"
          initial={policy.description ?? ''}
          maxLength={500}
        />
        <TextArea
          form={form}
          name="document"
          label="Document"
          rows={18}
          required
          isExact
          initial={policy.document ?? ''}
        />
        <p class="note">
          A changed document is a new version, which counts in clusters at once; the versions before it stay and can be
          activated again.
        </p>
      </>
    ),
    same: ['policies', 'edit', policy.name],
  }),
  async submit(visit, form, { id, name }): Promise<Went> {
    const body = { id, description: form.value('description'), document: documentIn(form) };
    const { enforcedVersion } = await asField(visit.caller.call('iam.v1.Policies.Update', body));
    return {
      to: visit.href(path, 'policy', { id }),
      notice: `Saved the policy “${name}”; ${enforcedVersion?.label ?? 'its newest version'} is enforced.`,
    };
  },
});

async function versionOf(
  visit: Visit,
): Promise<{ policy: Policy; version: IamPolicyVersion & { readonly id: string } }> {
  const policy = await policyOf(visit);
  const { items = [] } = await visit.caller.call('iam.v1.Policies.ListVersions', { policyId: policy.id });
  const version = items.find(({ id }) => id === visit.query.get('version'));
  if (version?.id === undefined) throw new CallFailure('missing', 'The policy has no such version.');
  return { policy, version: { ...version, id: version.id } };
}

const activate = formFrame({
  path,
  behind: show,
  load: versionOf,
  pane: (_visit, _form, { policy, version }) => ({
    title: `Activate ${version.label} of ${policy.name}`,
    submit: `Enforce ${version.label}`,
    anchor: rowId(version.id),
    fields: (
      <>
        <p>
          <strong>{version.label}</strong> then counts in place of <strong>{policy.enforcedVersion?.label}</strong>, in
          every cluster of its group and below. This is its document:
        </p>
        <pre>
          <code>{version.document}</code>
        </pre>
      </>
    ),
    same: ['policies', 'versions', 'activate', version.id],
  }),
  async submit(visit, _form, { policy, version }): Promise<Went> {
    await visit.caller.call('iam.v1.Policies.ActivateVersion', { versionId: version.id });
    return {
      to: visit.href(path, 'policy', { id: policy.id }),
      notice: `${version.label} of “${policy.name}” is enforced.`,
    };
  },
});

const remove = formFrame({
  path,
  behind: list,
  load: policyOf,
  pane: (_visit, _form, { id, name }) => ({
    title: 'Delete policy',
    submit: 'Delete policy',
    isDangerous: true,
    anchor: rowId(id),
    fields: (
      <p>
        This deletes <strong>{name}</strong> and all its versions. Images that it kept out of clusters are let in,
        unless another policy keeps them out.
      </p>
    ),
    same: ['policies', 'delete', id],
  }),
  async submit(visit, _form, { id, name }): Promise<Went> {
    await visit.caller.call('iam.v1.Policies.Delete', { id });
    return { to: backTo(visit, path, 'main'), notice: `Deleted the policy “${name}”.` };
  },
});

export default definePage({
  path,
  title: 'Policies',
  about: 'Whose signatures images need before a cluster runs them.',
  menu: 14,
  needs: ['policy.list'],
  actions: { '': { show: list }, policy: { show }, create, edit, activate, delete: remove },
});
