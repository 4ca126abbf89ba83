// Settings › Users and invites: who holds a role here, and who was asked to come. Guarantees: the code of an invite is in one
// answer and nowhere else.

import { isRoot } from '../../../api/uidp.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { Copied } from '../../parts/copied.tsx';
import { SelectField, TextField } from '../../parts/fields.tsx';
import { backTo, formFrame, onceFrame } from '../../parts/form-frame.tsx';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { PlaceField, placeIn, placeWord } from '../../parts/places.tsx';
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
  const { caller, organization, now } = visit;
  const seesInvites = visit.may('group_invites.list');
  const [users, { items: invites = [] }] = await Promise.all([
    usersOf(visit),
    seesInvites ? caller.call('iam.v1.GroupInvites.List', { group: organization.id }) : { items: [] },
  ]);
  const mayInvite = visit.mayAnywhere('group_invites.create');
  return {
    body: (
      <>
        <ListFrame
          visit={visit}
          about="People who hold a role in this organization or in one of its folders."
          create={
            mayInvite
              ? { title: 'Invite people', href: visit.href(path, 'create', rowsShown(visit)), id: 'invite' }
              : undefined
          }
          rows={users}
          label="users"
          initialSort="user"
          text={({ id, name, roles }) => `${id} ${name} ${roles.join(' ')}`}
          empty={<p>You can see no one who holds a role here.</p>}
          columns={[
            { head: 'User', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
            { head: 'Roles', cell: ({ roles }) => <Lines lines={roles} />, order: ({ roles }) => roles[0] },
            { head: 'Since', cell: ({ since }) => <When time={since} now={now} />, order: ({ since }) => since },
          ]}
        />
        {seesInvites && (
          <ListFrame
            visit={visit}
            title="Invites"
            rows={invites}
            label="invites"
            prefix="invites-"
            rowId={({ id = '' }) => `invite-${id.slice(id.lastIndexOf('/') + 1)}`}
            text={({ email = '', role }) => `${email} ${role?.name}`}
            empty={<p>No invite is open.</p>}
            columns={[
              { head: 'For', isName: true, cell: ({ email }) => email || 'anyone with the code' },
              { head: 'Role', cell: ({ role }) => role?.name },
              { head: 'Use', cell: ({ singleUse }) => (singleUse ? 'once' : 'many times') },
              { head: 'Created', cell: ({ createdAt }) => <When time={createdAt} now={now} /> },
              { head: 'Ends', cell: ({ expiration }) => <When time={expiration} now={now} /> },
            ]}
            actions={({ id = '', email }) =>
              visit.may('group_invites.delete', id)
                ? [
                    {
                      title: 'Withdraw',
                      of: `the invite for ${email || 'anyone with the code'}`,
                      href: visit.href(path, 'withdraw', { ...rowsShown(visit), id }),
                    },
                  ]
                : []
            }
          />
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

const invite = formFrame({
  path,
  behind: list,
  load: ({ caller }) => rolesOf(caller),
  pane(visit, form, roles) {
    const email = form.value('email');
    return {
      title: 'Invite people',
      submit: 'Create invite',
      anchor: 'invite',
      fields: (
        <>
          <SelectField
            form={form}
            name="role"
            label="Role"
            initial="viewer"
            autofocus
            options={roles.map(({ name }) => ({ value: name, label: name }))}
          />
          <PlaceField visit={visit} form={form} needs={['group_invites.create']} />
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
        </>
      ),
      same: [
        ...['iam', 'invites', 'create', placeWord(visit, form), `--role=${form.value('role', 'viewer')}`],
        `--ttl=${Number(form.value('days', '7')) * 24}h`,
        ...(email === '' ? [] : [`--email=${email}`, '--single-use']),
      ],
    };
  },
  submit: create,
});

async function create(visit: Visit, form: Form): Promise<Went> {
  const { place, problem } = placeIn(visit, form);
  const role = (await rolesOf(visit.caller)).find(({ name }) => name === form.value('role'));
  const days = lifetimes.find((each) => each === form.value('days', '7'));
  const email = form.value('email');
  refuse({
    role: role === undefined ? 'Choose one of the roles.' : undefined,
    place: problem,
    days: days === undefined ? 'Choose 1, 7 or 30 days.' : undefined,
    email: email === '' || /^[^\s@]+@[^\s@]+$/.test(email) ? undefined : `“${email}” is no e-mail address.`,
  });
  const made = await visit.caller.call('iam.v1.GroupInvites.Create', {
    group: place,
    role: role?.id ?? '',
    ttl: `${Number(days) * day}s`,
    ...(email === '' ? {} : { email, singleUse: true }),
  });
  return { to: visit.href(path, 'created', { ...rowsShown(visit), ticket: visit.put(made.code ?? '') }) };
}

const created = onceFrame<string>({
  path,
  behind: list,
  title: 'Invite created',
  body: (_visit, code) => (
    <>
      <p class="warning">Send the code now: it is shown this once and is kept nowhere.</p>
      <Copied id="invite-code" label="Code" text={code} />
      <Copied id="invite-command" label="How to use it" text={`chainctl auth login --invite-code=${code}`} />
    </>
  ),
  afterwards:
    'The code of this invite was shown once and is kept nowhere. If it is lost, withdraw the invite and create another.',
  anchor: () => 'invites',
});

async function inviteOf({ caller, organization, query }: Visit) {
  const id = query.get('id') ?? '';
  const { items = [] } = await caller.call('iam.v1.GroupInvites.List', { group: organization.id });
  const found = items.find((each) => each.id === id);
  if (found === undefined)
    throw new CallFailure('missing', 'It was used or withdrawn, or you may not see it any more.');
  return { ...found, id };
}

const withdraw = formFrame({
  path,
  behind: list,
  load: inviteOf,
  pane: (_visit, _form, { id, email }) => ({
    title: 'Withdraw invite',
    submit: 'Withdraw invite',
    isDangerous: true,
    anchor: 'invites',
    fields: (
      <p>
        This withdraws the invite for <strong>{email || 'anyone with the code'}</strong>. Its code stops working at
        once.
      </p>
    ),
    same: ['iam', 'invites', 'delete', id],
  }),
  async submit(visit, _form, { id, email }) {
    await visit.caller.call('iam.v1.GroupInvites.Delete', { id });
    return { to: backTo(visit, path, 'main'), notice: `Withdrew the invite for ${email || 'anyone with the code'}.` };
  },
});

export default definePage({
  path,
  title: 'Users and invites',
  about: 'Who belongs to the organization, and who is invited.',
  menu: 33,
  needs: ['role_bindings.list'],
  actions: {
    '': { show: list },
    create: invite,
    created,
    withdraw,
  },
});
