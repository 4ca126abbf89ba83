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
import { SameCommand } from '../../parts/copied.tsx';
import { FormBox, SelectField, TextField } from '../../parts/fields.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { daysUntil, When } from '../../parts/time.tsx';
import { expiryFields, expiryOf, ttlWord } from './expiry.tsx';
import { type MadeToken, SecretForms } from './secret-forms.tsx';

const path = 'settings/pull-tokens';
const makes = ['identity.create', 'role_bindings.create'];

const mayCreate = (visit: Visit): boolean =>
  visit.places.some(({ id }) => makes.every((capability) => visit.may(capability, id)));

async function list(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const state = query.get('state') === 'expired' ? 'expired' : 'active';
  const tokens = (await identitiesOf(caller, organization.id)).filter((each) => typeOf(each) === 'pull_token');
  const isActive = (each: IamIdentity) => (expirationOf(each) ?? Number.POSITIVE_INFINITY) > now;
  const rows = tokens.filter((each) => isActive(each) === (state === 'active'));
  const isMine = mayCreate(visit);
  return {
    body: (
      <>
        <div class="top">
          <p>
            A pull token is a long-lived user name and password for places that cannot sign in: some CI systems,
            Kubernetes clusters, registry mirrors.
          </p>
          {isMine && (
            <a class="button main" id="create" href={visit.href(path, 'create')}>
              Create pull token
            </a>
          )}
        </div>
        <Listing
          rows={rows}
          label={`${state} pull tokens`}
          query={query}
          initialSort="name"
          kept={['state']}
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
              cell: ({ lastSeen }) =>
                lastSeen ? <When time={lastSeen} now={now} /> : <span class="quiet">never</span>,
              order: ({ lastSeen }) => Date.parse(lastSeen ?? '') || undefined,
            },
            {
              head: '',
              cell: ({ id = '', name }) =>
                visit.may('identity.delete', id) && (
                  <span class="actions">
                    <a class="button small" href={visit.href(path, 'revoke', { id })}>
                      Revoke<span class="unseen"> {name}</span>
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

async function showCreate(visit: Visit, form: Form): Promise<Shown> {
  const behind = await list(visit);
  const back = `${visit.href(path)}#create`;
  const roles = new Set((await rolesOf(visit.caller)).map(({ name }) => name));
  const kinds = repositories.filter((repository) => roles.has(pullRole(repository)));
  const places = visit.places.filter(({ id }) => makes.every((capability) => visit.may(capability, id)));
  const name = form.value('name');
  const repository = form.value('repository', 'oci');
  return {
    ...behind,
    title: 'Create',
    dialog: (
      <Sheet title="Create pull token" back={back}>
        <FormBox form={form} submit="Create token" back={back}>
          <TextField form={form} name="name" label="Name" required maxLength={100} autofocus />
          <TextField form={form} name="description" label="Description (optional)" maxLength={500} />
          {places.length > 1 && (
            <SelectField
              form={form}
              name="place"
              label="Pulls from"
              options={places.map(({ id, name }) => ({ value: id, label: name }))}
            />
          )}
          <SelectField
            form={form}
            name="repository"
            label="May pull"
            options={kinds.map((kind) => ({ value: kind, label: repositoryLabels[kind] }))}
          />
          {expiryFields(form, visit.now)}
        </FormBox>
        <SameCommand
          words={[
            'auth',
            'pull-token',
            'create',
            `--parent=${form.value('place') || visit.organization.name}`,
            `--name=${name || 'NAME'}`,
            ...(repository === 'oci' ? [] : [`--repository=${repository}`]),
            `--ttl=${ttlWord(form, visit.now)}`,
          ]}
        />
      </Sheet>
    ),
  };
}

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
  const place = form.value('place') || visit.organization.id;
  const expiry = expiryOf(form, now);
  refuse({
    name: name === '' ? 'Give the token a name.' : name.length > 100 ? 'Use at most 100 characters.' : undefined,
    repository: repository === undefined ? 'Choose what the token may pull.' : undefined,
    place: visit.places.some(({ id }) => id === place) ? undefined : 'Choose a place of this organization.',
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
  return { to: visit.href(path, 'created', { token: visit.put(made), id }) };
}

async function showCreated(visit: Visit): Promise<Shown> {
  const made = visit.take(visit.query.get('token') ?? '') as MadeToken | undefined;
  const behind = await list(visit);
  const back = `${visit.href(path)}#${rowId(visit.query.get('id') ?? '')}`;
  return {
    ...behind,
    title: 'Created',
    dialog:
      made === undefined ? (
        <Sheet title="Shown once" back={back}>
          <p>
            The secret of this pull token was shown once and is kept nowhere. If it is lost, revoke the token and create
            another.
          </p>
          <a class="button main" href={back}>
            Back to the list
          </a>
        </Sheet>
      ) : (
        <Sheet title="Pull token created" back={back}>
          <SecretForms made={made} platform={visit.platform} now={visit.now} />
          <a class="button main" href={back}>
            Done
          </a>
        </Sheet>
      ),
  };
}

async function showRevoke(visit: Visit, form: Form): Promise<Shown> {
  const [behind, token] = await Promise.all([list(visit), identityOf(visit.caller, visit.query.get('id') ?? '')]);
  const back = `${visit.href(path)}#${rowId(token.id)}`;
  return {
    ...behind,
    title: 'Revoke',
    dialog: (
      <Sheet title="Revoke pull token" back={back}>
        <p>
          This revokes <strong>{token.name}</strong>. Whatever pulls with it stops at once, and nothing brings it back.
        </p>
        <FormBox form={form} submit="Revoke token" dangerous back={back} />
        <SameCommand words={['auth', 'pull-token', 'delete', token.id]} />
      </Sheet>
    ),
  };
}

async function revoke(visit: Visit): Promise<Went> {
  const id = visit.query.get('id') ?? '';
  const token = await identityOf(visit.caller, id);
  if (typeOf(token) !== 'pull_token') throw new CallFailure('invalid', 'This is an identity, but no pull token.');
  await visit.caller.call('iam.v1.Identities.Delete', { id });
  return { to: `${visit.href(path)}#main`, notice: `Revoked the pull token “${token.name}”.` };
}

export default definePage({
  path,
  title: 'Pull tokens',
  about: 'Long-lived credentials for places that pull without a person.',
  menu: 31,
  needs: ['identity.list'],
  actions: {
    '': { show: list },
    create: { show: showCreate, submit: create },
    created: { show: showCreated },
    revoke: { show: showRevoke, submit: revoke },
  },
});
