// Settings › Users and invites: who holds a role here, and who was asked to come. Guarantees: the code of an invite is in one
// answer and nowhere else.

import { isRoot } from '../../../api/uidp.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { FormBox, SelectField, TextField } from '../../parts/fields.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { When } from '../../parts/time.tsx';

const path = 'settings/users';
const day = 86_400;

interface User {
  readonly id: string;
  readonly name: string;
  /** e.g. `owner of example.com`. */
  readonly roles: readonly string[];
  readonly since: number | undefined;
}

async function usersOf({ caller, organization, places }: Visit): Promise<readonly User[]> {
  const { items = [] } = await caller.call('iam.v1.RoleBindings.List', { uidp: { descendantsOf: organization.id } });
  const users = new Map<string, { name: string; roles: string[]; since: number | undefined }>();
  for (const { identity = '', email, emailUnverified, role, group, createdAt } of items) {
    // Identities below a place are no people.
    if (!isRoot(identity)) continue;
    const user = users.get(identity) ?? { name: email || emailUnverified || identity, roles: [], since: undefined };
    const place = places.find(({ id }) => id === group?.id)?.name ?? group?.name ?? '';
    user.roles.push(`${role?.name ?? ''} of ${place}`);
    const at = Date.parse(createdAt ?? '') || undefined;
    user.since = at === undefined ? user.since : Math.min(at, user.since ?? at);
    users.set(identity, user);
  }
  return [...users].map(([id, user]) => ({ id, ...user }));
}

async function list(visit: Visit): Promise<Shown> {
  const { caller, organization, query, now } = visit;
  const seesInvites = visit.may('group_invites.list');
  const [users, { items: invites = [] }] = await Promise.all([
    usersOf(visit),
    seesInvites ? caller.call('iam.v1.GroupInvites.List', { group: organization.id }) : { items: [] },
  ]);
  const mayInvite = visit.mayAnywhere('group_invites.create');
  return {
    body: (
      <>
        <div class="top">
          <p>People who hold a role in this organization or in one of its folders.</p>
          {mayInvite && (
            <a class="button main" id="invite" href={visit.href(path, 'create')}>
              Invite people
            </a>
          )}
        </div>
        <Listing
          rows={users}
          label="users"
          query={query}
          initialSort="user"
          text={({ id, name, roles }) => `${id} ${name} ${roles.join(' ')}`}
          empty={<p>Nobody holds a role here that you may see.</p>}
          columns={[
            { head: 'User', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
            { head: 'Roles', cell: ({ roles }) => <Lines lines={roles} />, order: ({ roles }) => roles[0] },
            { head: 'Since', cell: ({ since }) => <When time={since} now={now} />, order: ({ since }) => since },
          ]}
        />
        {seesInvites && (
          <section aria-labelledby="invites">
            <h2 id="invites">Invites</h2>
            <Listing
              rows={invites}
              label="invites"
              query={visit.query}
              prefix="invites-"
              rowId={({ id = '' }) => `invite-${id.slice(id.lastIndexOf('/') + 1)}`}
              text={({ email = '', role }) => `${email} ${role?.name}`}
              empty={<p>No invite is open.</p>}
              columns={[
                { head: 'For', isName: true, cell: ({ email }) => email || 'whoever has the code' },
                { head: 'Role', cell: ({ role }) => role?.name },
                { head: 'Use', cell: ({ singleUse }) => (singleUse ? 'once' : 'many times') },
                { head: 'Created', cell: ({ createdAt }) => <When time={createdAt} now={now} /> },
                { head: 'Ends', cell: ({ expiration }) => <When time={expiration} now={now} /> },
                {
                  head: '',
                  cell: ({ id = '', email }) =>
                    visit.may('group_invites.delete', id) && (
                      <span class="actions">
                        <a class="button small" href={visit.href(path, 'withdraw', { id })}>
                          Withdraw<span class="unseen"> the invite for {email || 'whoever has the code'}</span>
                        </a>
                      </span>
                    ),
                },
              ]}
            />
          </section>
        )}
      </>
    ),
  };
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul class="plain">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

const lifetimes = ['1', '7', '30'] as const;

async function showCreate(visit: Visit, form: Form): Promise<Shown> {
  const [behind, roles] = await Promise.all([list(visit), rolesOf(visit.caller)]);
  const back = `${visit.href(path)}#invite`;
  const places = visit.places.filter(({ id }) => visit.may('group_invites.create', id));
  const role = form.value('role', 'viewer');
  const email = form.value('email');
  return {
    ...behind,
    title: 'Invite',
    dialog: (
      <Sheet title="Invite people" back={back}>
        <FormBox form={form} submit="Create invite" back={back}>
          <SelectField
            form={form}
            name="role"
            label="Role"
            initial="viewer"
            autofocus
            options={roles.map(({ name }) => ({ value: name, label: name }))}
          />
          <SelectField
            form={form}
            name="place"
            label="In"
            options={places.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <TextField
            form={form}
            name="email"
            type="email"
            label="E-mail address (optional)"
            maxLength={254}
            note="Then only a login with exactly this address can use the code, once."
          />
          <SelectField
            form={form}
            name="days"
            label="Good for"
            initial="7"
            options={lifetimes.map((days) => ({ value: days, label: days === '1' ? '1 day' : `${days} days` }))}
          />
        </FormBox>
        <SameCommand
          words={[
            'iam',
            'invites',
            'create',
            form.value('place') || visit.organization.name,
            `--role=${role}`,
            `--ttl=${Number(form.value('days', '7')) * 24}h`,
            ...(email === '' ? [] : [`--email=${email}`, '--single-use']),
          ]}
        />
      </Sheet>
    ),
  };
}

async function create(visit: Visit, form: Form): Promise<Went> {
  const place = form.value('place') || visit.organization.id;
  const role = (await rolesOf(visit.caller)).find(({ name }) => name === form.value('role'));
  const days = lifetimes.find((each) => each === form.value('days', '7'));
  const email = form.value('email');
  refuse({
    role: role === undefined ? 'Choose one of the roles.' : undefined,
    place: visit.places.some(({ id }) => id === place) ? undefined : 'Choose a place of this organization.',
    days: days === undefined ? 'Choose 1, 7 or 30 days.' : undefined,
    email: email === '' || /^[^\s@]+@[^\s@]+$/.test(email) ? undefined : `“${email}” is no e-mail address.`,
  });
  const made = await visit.caller.call('iam.v1.GroupInvites.Create', {
    group: place,
    role: role?.id ?? '',
    ttl: `${Number(days) * day}s`,
    ...(email === '' ? {} : { email, singleUse: true }),
  });
  return { to: visit.href(path, 'created', { code: visit.put(made.code ?? '') }) };
}

async function showCreated(visit: Visit): Promise<Shown> {
  const code = visit.take(visit.query.get('code') ?? '');
  const back = `${visit.href(path)}#invites`;
  const behind = await list(visit);
  return {
    ...behind,
    title: 'Created',
    dialog: (
      <Sheet title={typeof code === 'string' ? 'Invite created' : 'Shown once'} back={back}>
        {typeof code === 'string' ? (
          <div data-secret>
            <p class="warning">Send the code now: it is shown this once and is kept nowhere.</p>
            <Copied id="invite-code" label="Code" text={code} />
            <Copied id="invite-command" label="How to use it" text={`chainctl auth login --invite-code=${code}`} />
          </div>
        ) : (
          <p>
            The code of this invite was shown once and is kept nowhere. If it is lost, withdraw the invite and create
            another.
          </p>
        )}
        <a class="button main" href={back}>
          Done
        </a>
      </Sheet>
    ),
  };
}

async function inviteOf({ caller, organization, query }: Visit) {
  const id = query.get('id') ?? '';
  const { items = [] } = await caller.call('iam.v1.GroupInvites.List', { group: organization.id });
  const found = items.find((each) => each.id === id);
  if (found === undefined)
    throw new CallFailure('missing', 'It was used or withdrawn, or you may not see it any more.');
  return { ...found, id };
}

async function showWithdraw(visit: Visit, form: Form): Promise<Shown> {
  const [behind, { id, email }] = await Promise.all([list(visit), inviteOf(visit)]);
  const back = `${visit.href(path)}#invites`;
  return {
    ...behind,
    title: 'Withdraw',
    dialog: (
      <Sheet title="Withdraw invite" back={back}>
        <p>
          This withdraws the invite for <strong>{email || 'whoever has the code'}</strong>. Its code stops working at
          once.
        </p>
        <FormBox form={form} submit="Withdraw invite" dangerous back={back} />
        <SameCommand words={['iam', 'invites', 'delete', id]} />
      </Sheet>
    ),
  };
}

async function withdraw(visit: Visit): Promise<Went> {
  const { id, email } = await inviteOf(visit);
  await visit.caller.call('iam.v1.GroupInvites.Delete', { id });
  return { to: `${visit.href(path)}#main`, notice: `Withdrew the invite for ${email || 'whoever has the code'}.` };
}

export default definePage({
  path,
  title: 'Users and invites',
  about: 'Who belongs to the organization, and who is invited.',
  menu: 33,
  needs: ['role_bindings.list'],
  actions: {
    '': { show: list },
    create: { show: showCreate, submit: create },
    created: { show: showCreated },
    withdraw: { show: showWithdraw, submit: withdraw },
  },
});
