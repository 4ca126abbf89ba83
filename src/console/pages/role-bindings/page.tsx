// Settings › Roles and bindings: who holds which role where, and through what, by the rules of src/access.

import { type Grant, grantsIn } from '../../../access/grants.ts';
import { isUidp, parentOf } from '../../../api/uidp.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { identitiesOf, rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { SelectField, TextField } from '../../parts/fields.tsx';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { ListFrame, rowsShown } from '../../parts/list-frame.tsx';
import { PlaceField, placeIn, placeName, placeWord } from '../../parts/places.tsx';

const path = 'settings/role-bindings';

async function grantsOf(visit: Visit): Promise<readonly Grant[]> {
  const { caller, organization, now } = visit;
  const uidp = { descendantsOf: organization.id };
  const [bindings, roles, identities, providers, mappings, invites] = await Promise.all([
    caller.call('iam.v1.RoleBindings.List', { uidp }).then(({ items = [] }) => items),
    rolesOf(caller),
    visit.may('identity.list') ? identitiesOf(caller, organization.id) : [],
    visit.may('identity_providers.list')
      ? caller.call('iam.v1.IdentityProviders.List', { uidp }).then(({ items = [] }) => items)
      : [],
    visit.may('identity_providers.list') && visit.may('role_bindings.list')
      ? caller.call('iam.v1.ExternalGroupRoleMappings.List', { uidp }).then(({ items = [] }) => items)
      : [],
    visit.may('group_invites.list')
      ? caller.call('iam.v1.GroupInvites.List', { group: organization.id }).then(({ items = [] }) => items)
      : [],
  ]);
  return [...grantsIn({ now, bindings, roles, identities, providers, mappings, invites, hidden: new Set() })];
}

const throughWords: Readonly<Record<Grant['through'], string>> = {
  binding: 'a role binding',
  'group-mapping': 'a group of an identity provider',
  'scim-group': 'a SCIM group',
  'default-role': 'the default role of an identity provider',
  'pending-invite': 'an invite that is open',
};

async function list(visit: Visit): Promise<Shown> {
  const grants = await grantsOf(visit);
  const mayCreate = visit.mayAnywhere('role_bindings.create');
  return {
    body: (
      <ListFrame
        visit={visit}
        about="A role counts at the place where it was given and in everything below."
        create={
          mayCreate
            ? { title: 'Bind a role', href: visit.href(path, 'create', rowsShown(visit)), id: 'create' }
            : undefined
        }
        rows={grants}
        label="roles held"
        initialSort="who"
        rowId={({ id }) => rowId(id)}
        text={({ who, identity, role, place }) => `${who} ${identity} ${role.name} ${placeName(visit, place)}`}
        empty={<p>You can see no one who holds a role here.</p>}
        columns={[
          { head: 'Who', isName: true, cell: ({ who }) => who, order: ({ who }) => who },
          {
            head: 'Role',
            cell: ({ role }) => <span title={role.description}>{role.name}</span>,
            order: ({ role }) => role.name,
          },
          {
            head: 'Where',
            cell: ({ place }) => placeName(visit, place),
            order: ({ place }) => placeName(visit, place),
          },
          {
            head: 'Through',
            cell: ({ through, endedAt }) => (
              <>
                {throughWords[through]}
                {endedAt !== undefined && <span class="badge bad"> ended</span>}
              </>
            ),
            order: ({ through }) => through,
          },
        ]}
        actions={({ id, through, who, role }) =>
          through === 'binding' && visit.may('role_bindings.delete', parentOf(id))
            ? [
                {
                  title: 'Remove',
                  of: `${role.name} of ${who}`,
                  href: visit.href(path, 'remove', { ...rowsShown(visit), id }),
                },
              ]
            : []
        }
      />
    ),
  };
}

const rowId = (id: string): string => `grant-${id.slice(id.lastIndexOf('/') + 1)}`;

const bind = formFrame({
  path,
  behind: list,
  load: async (visit) => ({
    roles: await rolesOf(visit.caller),
    identities: visit.may('identity.list') ? await identitiesOf(visit.caller, visit.organization.id) : [],
  }),
  pane: (visit, form, { roles, identities }) => ({
    title: 'Bind a role',
    submit: 'Bind role',
    anchor: 'create',
    fields: (
      <>
        <TextField
          form={form}
          name="identity"
          label="Identity"
          required
          autofocus
          list="identities"
          note="The id of a user or an identity; or the name of an identity of this organization."
        />
        <datalist id="identities">
          {identities.slice(0, 500).map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </datalist>
        <SelectField
          form={form}
          name="role"
          label="Role"
          initial={roles.find(({ name }) => name === 'viewer')?.id ?? ''}
          options={roles.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <PlaceField visit={visit} form={form} needs={['role_bindings.create']} />
      </>
    ),
    same: [
      ...['iam', 'role-bindings', 'create', `--identity=${form.value('identity') || 'IDENTITY'}`],
      `--role=${roles.find(({ id }) => id === form.value('role'))?.name ?? 'ROLE'}`,
      `--parent=${placeWord(visit, form)}`,
    ],
  }),
  submit: create,
});

async function create(visit: Visit, form: Form): Promise<Went> {
  const wanted = form.value('identity');
  const { place, problem } = placeIn(visit, form);
  const named = isUidp(wanted)
    ? []
    : (await identitiesOf(visit.caller, visit.organization.id)).filter(({ name }) => name === wanted);
  refuse({
    identity:
      isUidp(wanted) || named.length === 1
        ? undefined
        : named.length > 1
          ? `${named.length} identities have the name “${wanted}”: use the id of one.`
          : `There is no identity “${wanted}” in this organization.`,
    role: form.value('role') === '' ? 'Choose a role.' : undefined,
    place: problem,
  });
  const identity = named[0]?.id ?? wanted;
  await visit.caller.call('iam.v1.RoleBindings.Create', {
    parent: place,
    roleBinding: { identity, role: form.value('role') },
  });
  return { to: backTo(visit, path, 'main'), notice: 'The role is bound.', renews: true };
}

async function bindingOf(visit: Visit) {
  const id = visit.query.get('id') ?? '';
  const found = (await grantsOf(visit)).find((grant) => grant.through === 'binding' && grant.id === id);
  if (found === undefined) throw new CallFailure('missing', 'It was removed, or you may not see it any more.');
  return found;
}

const remove = formFrame({
  path,
  behind: list,
  load: bindingOf,
  pane: (_visit, _form, { id, who, role }) => ({
    title: 'Remove role',
    submit: 'Remove role',
    isDangerous: true,
    anchor: rowId(id),
    fields: (
      <p>
        This takes the role <strong>{role.name}</strong> from <strong>{who}</strong> at once.
      </p>
    ),
    same: ['iam', 'role-bindings', 'delete', id],
  }),
  async submit(visit, _form, { id, who, role }) {
    await visit.caller.call('iam.v1.RoleBindings.Delete', { id });
    const notice = `Took the role “${role.name}” from ${who}.`;
    return { to: backTo(visit, path, 'main'), notice, renews: true };
  },
});

export default definePage({
  path,
  title: 'Roles and bindings',
  about: 'Who holds which role where, and through what.',
  menu: 35,
  needs: ['role_bindings.list'],
  actions: {
    '': { show: list },
    create: bind,
    remove,
  },
});
