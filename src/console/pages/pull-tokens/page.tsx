// Settings › Pull tokens, as the founding document walks through it: a table of the active tokens, a pane to create one, and a
// way to revoke one. Guarantees: the secret is in one answer and nowhere else.

import { expirationOf, typeOf } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { identityName, mintPullToken, pullRole, type Repository, repositories } from '../../../pull-tokens.ts';
import { CallFailure } from '../../caller.ts';
import type { Form } from '../../form.ts';
import { refuse } from '../../form.ts';
import { createIdentity, identitiesOf, identityOf, rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { nameProblem, SelectField, TextField } from '../../parts/fields.tsx';
import { backTo, formFrame, onceFrame } from '../../parts/form-frame.tsx';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { PlaceField, placeIn, placesFor, placeWord } from '../../parts/places.tsx';
import { daysUntil, When } from '../../parts/time.tsx';
import { expiryFields, expiryOf, ttlWord } from './expiry.tsx';
import { type MadeToken, SecretForms } from './secret-forms.tsx';

const path = 'settings/pull-tokens';
const makes = ['identity.create', 'role_bindings.create'];

async function list(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const state = query.get('state') === 'expired' ? 'expired' : 'active';
  const tokens = (await identitiesOf(caller, organization.id)).filter((each) => typeOf(each) === 'pull_token');
  const isActive = (each: IamIdentity) => (expirationOf(each) ?? Number.POSITIVE_INFINITY) > now;
  const rows = tokens.filter((each) => isActive(each) === (state === 'active'));
  const isMine = placesFor(visit, makes).length > 0;
  return {
    body: (
      <ListFrame
        visit={visit}
        about="A pull token is a long-lived user name and password for places that cannot sign in: some CI systems, Kubernetes clusters, registry mirrors."
        create={
          isMine
            ? { title: 'Create pull token', href: visit.href(path, 'create', rowsShown(visit)), id: 'create' }
            : undefined
        }
        rows={rows}
        label={`${state} pull tokens`}
        initialSort="name"
        filterNames={['state']}
        rowId={({ id = '' }) => rowId(id)}
        text={({ id, name, description }) => `${id} ${name} ${description ?? ''}`}
        filters={
          tokens.length === 0 ? undefined : (
            <>
              <label for="state">State</label>
              <select id="state" name="state">
                <option value="">Active</option>
                <option value="expired" selected={state === 'expired'}>
                  Expired
                </option>
              </select>
            </>
          )
        }
        empty={
          <p>
            {state === 'active' ? 'There are no active pull tokens.' : 'No pull token has expired.'}
            {state === 'active' && isMine && ' Create one for the first place that pulls without a person.'}
          </p>
        }
        columns={[
          { head: 'Name', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
          { head: 'Description', cell: ({ description }) => description ?? '' },
          {
            head: 'Created',
            cell: ({ createdAt }) => <When time={createdAt} now={now} />,
            order: ({ createdAt }) => Date.parse(createdAt ?? '') || undefined,
          },
          {
            head: state === 'active' ? 'Days until expiry' : 'Expired',
            key: 'expiry',
            isNumber: true,
            cell: (each) => {
              const end = expirationOf(each);
              if (end === undefined) return 'never';
              return state === 'active' ? <Days end={end} now={now} /> : <When time={end} now={now} />;
            },
            order: expirationOf,
          },
          {
            head: 'Last used',
            cell: ({ lastSeen }) => (lastSeen ? <When time={lastSeen} now={now} /> : <span class="quiet">never</span>),
            order: ({ lastSeen }) => Date.parse(lastSeen ?? '') || undefined,
          },
        ]}
        actions={({ id = '', name = '' }) =>
          visit.may('identity.delete', id)
            ? [{ title: 'Revoke', of: name, href: visit.href(path, 'revoke', { ...rowsShown(visit), id }) }]
            : []
        }
      />
    ),
  };
}

const rowId = (id: string): string => `token-${id.slice(id.lastIndexOf('/') + 1)}`;

function Days({ end, now }: { readonly end: number; readonly now: number }) {
  const days = daysUntil(end, now);
  return (
    <time
      dateTime={new Date(end).toISOString()}
      title={new Date(end).toISOString()}
      class={days <= 7 ? 'warn' : undefined}
    >
      {days} {days === 1 ? 'day' : 'days'}
    </time>
  );
}

const createToken = formFrame({
  path,
  behind: list,
  load: async ({ caller }) => new Set((await rolesOf(caller)).map(({ name }) => name)),
  pane(visit, form, roles) {
    const repository = form.value('repository', 'oci');
    return {
      title: 'Create pull token',
      submit: 'Create token',
      anchor: 'create',
      fields: (
        <>
          <TextField form={form} name="name" label="Name" required maxLength={100} autofocus />
          <TextField form={form} name="description" label="Description (optional)" maxLength={500} />
          {placesFor(visit, makes).length > 1 && (
            <PlaceField visit={visit} form={form} needs={makes} label="Pulls from" />
          )}
          <SelectField
            form={form}
            name="repository"
            label="May pull"
            options={repositories
              .filter((each) => roles.has(pullRole(each)))
              .map((each) => ({ value: each, label: repositoryLabels[each] }))}
          />
          {expiryFields(form, visit.now)}
        </>
      ),
      same: [
        ...[
          'auth',
          'pull-token',
          'create',
          `--parent=${placeWord(visit, form)}`,
          `--name=${form.value('name') || 'NAME'}`,
        ],
        ...(repository === 'oci' ? [] : [`--repository=${repository}`]),
        `--ttl=${ttlWord(form, visit.now)}`,
      ],
    };
  },
  submit: create,
});

/** In the words of a menu. */
const repositoryLabels: Readonly<Record<Repository, string>> = {
  oci: 'Images (container registry)',
  apk: 'APK packages',
  java: 'Java libraries',
  javascript: 'JavaScript libraries',
  python: 'Python libraries',
  go: 'Go libraries',
  dotnet: '.NET libraries',
  java_athena: 'Java libraries (Athena)',
  javascript_athena: 'JavaScript libraries (Athena)',
  python_athena: 'Python libraries (Athena)',
  go_athena: 'Go libraries (Athena)',
  dotnet_athena: '.NET libraries (Athena)',
};

async function create(visit: Visit, form: Form): Promise<Went> {
  const { caller, platform, now, randomBytes } = visit;
  const name = form.value('name');
  const repository = repositories.find((each) => each === form.value('repository', 'oci'));
  const { place, problem } = placeIn(visit, form);
  const expiry = expiryOf(form, now);
  refuse({
    name: nameProblem(name, 'the token'),
    repository: repository === undefined ? 'Choose what the token may pull.' : undefined,
    place: problem,
    ...expiry.problems,
  });
  if (repository === undefined) throw new TypeError('refused before');
  const role = (await rolesOf(caller)).find((each) => each.name === pullRole(repository));
  if (role === undefined) throw new CallFailure('invalid', 'This platform has no such pull tokens.');
  const minted = await mintPullToken({ now: () => now, randomBytes }, { issuer: platform.issuer, ttlMs: expiry.ttlMs });
  const description = form.value('description');
  const identity = {
    name: identityName(name, repository, minted.uid),
    ...(description === '' ? {} : { description }),
    static: minted.keys,
  };
  const { id } = await createIdentity(caller, place, identity, [role.id]);
  const made: MadeToken = { id, name: identity.name, repository, token: minted.token, expiresAt: minted.expiresAt };
  return { to: visit.href(path, 'created', { ...rowsShown(visit), ticket: visit.put(made), id }) };
}

const created = onceFrame<MadeToken>({
  path,
  behind: list,
  title: 'Pull token created',
  body: ({ platform, now }, made) => <SecretForms made={made} platform={platform} now={now} />,
  afterwards:
    'The secret of this pull token was shown once and is kept nowhere. If it is lost, revoke the token and create another.',
  anchor: ({ query }) => rowId(query.get('id') ?? ''),
});

const revoke = formFrame({
  path,
  behind: list,
  async load({ caller, query }) {
    const token = await identityOf(caller, query.get('id') ?? '');
    if (typeOf(token) !== 'pull_token') throw new CallFailure('invalid', 'This is an identity, but no pull token.');
    return token;
  },
  pane: (_visit, _form, { id, name }) => ({
    title: 'Revoke pull token',
    submit: 'Revoke token',
    isDangerous: true,
    anchor: rowId(id),
    fields: (
      <p>
        This revokes <strong>{name}</strong>. Whatever pulls with it stops at once, and nothing brings it back.
      </p>
    ),
    same: ['auth', 'pull-token', 'delete', id],
  }),
  async submit(visit, _form, { id, name }) {
    await visit.caller.call('iam.v1.Identities.Delete', { id });
    return { to: backTo(visit, path, 'main'), notice: `Revoked the pull token “${name}”.` };
  },
});

export default definePage({
  path,
  title: 'Pull tokens',
  about: 'Long-lived credentials for places that pull without a person.',
  menu: 31,
  needs: ['identity.list'],
  actions: {
    '': { show: list },
    create: createToken,
    created,
    revoke,
  },
});
