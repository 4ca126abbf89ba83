// Settings › Identities: what signs in without a person, and by which rule.

import { expirationOf, gitlabRule, issuerOf, subjectOf, typeOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { type Form, refuse } from '../../form.ts';
import { createIdentity, identitiesOf, identityOf, rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { FormBox, SelectField, TextField } from '../../parts/fields.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { When } from '../../parts/time.tsx';

const path = 'settings/identities';
const makes = ['identity.create', 'role_bindings.create'];

const kindWords: Readonly<Record<string, string>> = {
  aws: 'AWS',
  claim_match: 'OpenID token',
  pull_token: 'Pull token',
  service_principal: 'Service of the platform',
  static: 'Static keys',
};

const kindOf = (identity: IamIdentity): string => kindWords[typeOf(identity) ?? ''] ?? 'Unknown';
const rowId = (id: string): string => `identity-${id.slice(id.lastIndexOf('/') + 1)}`;

async function list(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const identities = await identitiesOf(caller, organization.id);
  const kind = query.get('kind') ?? '';
  const rows = kind === '' ? identities : identities.filter((each) => typeOf(each) === kind);
  const isMine = visit.places.some(({ id }) => makes.every((capability) => visit.may(capability, id)));
  return {
    body: (
      <>
        <div class="top">
          <p>
            What signs in without a person: a workflow, a workload, a machine. Each has a rule that its token must meet.
          </p>
          {isMine && (
            <a class="button main" id="create" href={visit.href(path, 'create')}>
              Create identity
            </a>
          )}
        </div>
        <Listing
          rows={rows}
          label="identities"
          query={query}
          initialSort="name"
          kept={['kind']}
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
              cell: ({ lastSeen }) =>
                lastSeen ? <When time={lastSeen} now={now} /> : <span class="quiet">never</span>,
              order: ({ lastSeen }) => Date.parse(lastSeen ?? '') || undefined,
            },
            {
              head: '',
              cell: ({ id = '', name }) =>
                visit.may('identity.delete', id) && (
                  <span class="actions">
                    <a class="button small" href={visit.href(path, 'delete', { id })}>
                      Delete<span class="unseen"> {name}</span>
                    </a>
                  </span>
                ),
            },
          ]}
        />
      </>
    ),
  };
}

async function show(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const identity = await identityOf(caller, query.get('id') ?? '');
  const { items: bindings = [] } = visit.may('role_bindings.list')
    ? await caller.call('iam.v1.RoleBindings.List', { uidp: { descendantsOf: organization.id } })
    : {};
  const roles = bindings.filter((each) => each.identity === identity.id);
  const rule = { ...identity.claimMatch, ...identity.static, ...identity.awsIdentity };
  const shown = Object.entries(rule).filter(([name, value]) => name !== 'issuerKeys' && value !== '');
  const end = expirationOf(identity);
  return {
    title: identity.name ?? '',
    crumbs: [{ title: identity.name ?? identity.id }],
    body: (
      <>
        <dl class="facts">
          <dt>ID</dt>
          <dd>
            <code>{identity.id}</code>
          </dd>
          <dt>Kind</dt>
          <dd>{kindOf(identity)}</dd>
          {identity.description && (
            <>
              <dt>Description</dt>
              <dd>{identity.description}</dd>
            </>
          )}
          <dt>Roles</dt>
          <dd>
            {roles.length === 0
              ? 'none'
              : roles.map(({ id, role, group }) => (
                  <div key={id}>
                    {role?.name} of {visit.places.find((place) => place.id === group?.id)?.name ?? group?.name}
                  </div>
                ))}
          </dd>
          <dt>Created</dt>
          <dd>
            <When time={identity.createdAt} now={now} />
          </dd>
          <dt>Last used</dt>
          <dd>
            <When time={identity.lastSeen} now={now} />
          </dd>
          {end !== undefined && (
            <>
              <dt>Expires</dt>
              <dd>
                <When time={end} now={now} />
              </dd>
            </>
          )}
        </dl>
        <section aria-labelledby="rule">
          <h2 id="rule">A token has to meet this</h2>
          <dl class="facts">
            {shown.map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd>
                  <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
                </dd>
              </>
            ))}
          </dl>
        </section>
        <SameCommand words={['iam', 'identities', 'describe', identity.id]} />
      </>
    ),
  };
}

const kinds = [
  { value: 'gitlab', label: 'GitLab CI' },
  { value: 'oidc', label: 'Any OpenID issuer (exact subject)' },
] as const;

async function showCreate(visit: Visit, form: Form): Promise<Shown> {
  const [behind, roles] = await Promise.all([list(visit), rolesOf(visit.caller)]);
  const back = `${visit.href(path)}#create`;
  const places = visit.places.filter(({ id }) => makes.every((capability) => visit.may(capability, id)));
  const kind = form.value('kind', 'oidc');
  const role = roles.find(({ id }) => id === form.value('role'))?.name ?? 'ROLE';
  const name = form.value('name') || 'NAME';
  const parent = `--parent=${form.value('place') || visit.organization.name}`;
  return {
    ...behind,
    title: 'Create',
    dialog: (
      <Sheet title="Create identity" back={back}>
        <FormBox form={form} submit="Create identity" back={back}>
          <TextField form={form} name="name" label="Name" required autofocus maxLength={100} />
          <SelectField form={form} name="kind" label="Signs in from" initial="oidc" options={kinds} />
          <TextField
            form={form}
            name="issuer"
            type="url"
            label="Issuer"
            maxLength={255}
            note="For any OpenID issuer: as its tokens name it. For GitLab it is https://gitlab.com."
          />
          <TextField
            form={form}
            name="subject"
            label="Subject, or project of GitLab"
            required
            maxLength={255}
            note="The exact “sub” of its tokens; for GitLab group/project, of which every job may sign in."
          />
          <SelectField
            form={form}
            name="role"
            label="Role"
            initial="viewer"
            options={roles.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <SelectField
            form={form}
            name="place"
            label="In"
            options={places.map(({ id, name }) => ({ value: id, label: name }))}
          />
        </FormBox>
        <p class="note">
          For GitHub the command line finds the ids of the repository as well: chainctl iam identities create github.
        </p>
        <SameCommand
          words={
            kind === 'gitlab'
              ? [
                  'iam',
                  'identities',
                  'create',
                  'gitlab',
                  name,
                  `--project-path=${form.value('subject') || 'PROJECT'}`,
                  `--role=${role}`,
                  parent,
                ]
              : [
                  ...['iam', 'identities', 'create', name, `--identity-issuer=${form.value('issuer') || 'ISSUER'}`],
                  ...[`--subject=${form.value('subject') || 'SUBJECT'}`, `--role=${role}`, parent],
                ]
          }
        />
      </Sheet>
    ),
  };
}

async function create(visit: Visit, form: Form): Promise<Went> {
  const [name, issuer, subject, role] = [
    form.value('name'),
    form.value('issuer'),
    form.value('subject'),
    form.value('role'),
  ];
  const place = form.value('place') || visit.organization.id;
  const isGitlab = form.value('kind') === 'gitlab';
  refuse({
    name: name === '' ? 'Give the identity a name.' : undefined,
    kind: kinds.some(({ value }) => value === form.value('kind', 'oidc'))
      ? undefined
      : 'Choose where it signs in from.',
    issuer:
      isGitlab || (URL.canParse(issuer) && /^https?:/.test(issuer)) ? undefined : 'The issuer is an https address.',
    subject:
      subject === ''
        ? 'Say whose tokens are meant.'
        : isGitlab && !/^[^\s/:]+(\/[^\s/:]+)+$/.test(subject)
          ? 'A project of GitLab is written as group/project.'
          : undefined,
    role: role === '' ? 'Choose a role.' : undefined,
    place: visit.places.some(({ id }) => id === place) ? undefined : 'Choose a place of this organization.',
  });
  const claimMatch = isGitlab ? gitlabRule({ projectPath: subject, refType: 'branch' }) : { issuer, subject };
  const made = await createIdentity(visit.caller, place, { name, claimMatch }, [role]);
  return { to: visit.href(path, 'identity', { id: made.id }), notice: `Created the identity “${name}”.` };
}

async function showDelete(visit: Visit, form: Form): Promise<Shown> {
  const [behind, identity] = await Promise.all([list(visit), identityOf(visit.caller, visit.query.get('id') ?? '')]);
  const back = `${visit.href(path)}#${rowId(identity.id)}`;
  return {
    ...behind,
    title: 'Delete',
    dialog: (
      <Sheet title="Delete identity" back={back}>
        <p>
          This deletes <strong>{identity.name}</strong> with its roles. Whatever signs in as it is refused at once.
        </p>
        <FormBox form={form} submit="Delete identity" dangerous back={back} />
        <SameCommand words={['iam', 'identities', 'delete', identity.id]} />
      </Sheet>
    ),
  };
}

async function remove(visit: Visit): Promise<Went> {
  const identity = await identityOf(visit.caller, visit.query.get('id') ?? '');
  await visit.caller.call('iam.v1.Identities.Delete', { id: identity.id });
  return { to: `${visit.href(path)}#main`, notice: `Deleted the identity “${identity.name}”.` };
}

export default definePage({
  path,
  title: 'Identities',
  about: 'What signs in without a person, and by which rule.',
  menu: 34,
  needs: ['identity.list'],
  actions: {
    '': { show: list },
    identity: { show },
    create: { show: showCreate, submit: create },
    delete: { show: showDelete, submit: remove },
  },
});
