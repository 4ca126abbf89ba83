// Settings › Roles and bindings: who holds which role where, and through what, by the rules of src/access.

import { type Grant, grantsIn } from '../../../access/grants.ts';
import { isUidp, parentOf } from '../../../api/uidp.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { identitiesOf, rolesOf } from '../../identities.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
import { FormBox, SelectField, TextField } from '../../parts/fields.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Sheet } from '../../parts/sheet.tsx';

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
  const nameOf = (place: string) => visit.places.find(({ id }) => id === place)?.name ?? place;
  const mayCreate = visit.mayAnywhere('role_bindings.create');
  return {
    body: (
      <>
        <div class="top">
          <p>A role counts at the place where it was given and in everything below.</p>
          {mayCreate && (
            <a class="button main" id="create" href={visit.href(path, 'create')}>
              Bind a role
            </a>
          )}
        </div>
        <Listing
          rows={grants}
          label="roles held"
          query={visit.query}
          initialSort="who"
          rowId={({ id }) => `grant-${id.slice(id.lastIndexOf('/') + 1)}`}
          text={({ who, identity, role, place }) => `${who} ${identity} ${role.name} ${nameOf(place)}`}
          empty={<p>Nobody holds a role here that you may see.</p>}
          columns={[
            { head: 'Who', isName: true, cell: ({ who }) => who, order: ({ who }) => who },
            {
              head: 'Role',
              cell: ({ role }) => <span title={role.description}>{role.name}</span>,
              order: ({ role }) => role.name,
            },
            { head: 'Where', cell: ({ place }) => nameOf(place), order: ({ place }) => nameOf(place) },
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
            {
              head: '',
              cell: ({ id, through, who, role }) =>
                through === 'binding' &&
                visit.may('role_bindings.delete', parentOf(id)) && (
                  <span class="actions">
                    <a class="button small" href={visit.href(path, 'remove', { id })}>
                      Remove
                      <span class="unseen">
                        {' '}
                        {role.name} of {who}
                      </span>
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

async function showCreate(visit: Visit, form: Form): Promise<Shown> {
  const [behind, roles, identities] = await Promise.all([
    list(visit),
    rolesOf(visit.caller),
    visit.may('identity.list') ? identitiesOf(visit.caller, visit.organization.id) : [],
  ]);
  const back = `${visit.href(path)}#create`;
  const places = visit.places.filter(({ id }) => visit.may('role_bindings.create', id));
  return {
    ...behind,
    title: 'Bind a role',
    dialog: (
      <Sheet title="Bind a role" back={back}>
        <FormBox form={form} submit="Bind role" back={back}>
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
        <SameCommand
          words={[
            'iam',
            'role-bindings',
            'create',
            `--identity=${form.value('identity') || 'IDENTITY'}`,
            `--role=${roles.find(({ id }) => id === form.value('role'))?.name ?? 'ROLE'}`,
            `--parent=${form.value('place') || visit.organization.name}`,
          ]}
        />
      </Sheet>
    ),
  };
}

async function create(visit: Visit, form: Form): Promise<Went> {
  const wanted = form.value('identity');
  const place = form.value('place') || visit.organization.id;
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
    place: visit.places.some(({ id }) => id === place) ? undefined : 'Choose a place of this organization.',
  });
  const identity = named[0]?.id ?? wanted;
  await visit.caller.call('iam.v1.RoleBindings.Create', {
    parent: place,
    roleBinding: { identity, role: form.value('role') },
  });
  return { to: `${visit.href(path)}#main`, notice: 'The role is bound.', renews: true };
}

async function bindingOf(visit: Visit) {
  const id = visit.query.get('id') ?? '';
  const found = (await grantsOf(visit)).find((grant) => grant.through === 'binding' && grant.id === id);
  if (found === undefined) throw new CallFailure('missing', 'It was removed, or you may not see it any more.');
  return found;
}

async function showRemove(visit: Visit, form: Form): Promise<Shown> {
  const [behind, { id, who, role }] = await Promise.all([list(visit), bindingOf(visit)]);
  const back = `${visit.href(path)}#main`;
  return {
    ...behind,
    title: 'Remove',
    dialog: (
      <Sheet title="Remove role" back={back}>
        <p>
          This takes the role <strong>{role.name}</strong> from <strong>{who}</strong> at once.
        </p>
        <FormBox form={form} submit="Remove role" dangerous back={back} />
        <SameCommand words={['iam', 'role-bindings', 'delete', id]} />
      </Sheet>
    ),
  };
}

async function remove(visit: Visit): Promise<Went> {
  const { id, who, role } = await bindingOf(visit);
  await visit.caller.call('iam.v1.RoleBindings.Delete', { id });
  return { to: `${visit.href(path)}#main`, notice: `Took the role “${role.name}” from ${who}.`, renews: true };
}

export default definePage({
  path,
  title: 'Roles and bindings',
  about: 'Who holds which role where, and through what.',
  menu: 35,
  needs: ['role_bindings.list'],
  actions: {
    '': { show: list },
    create: { show: showCreate, submit: create },
    remove: { show: showRemove, submit: remove },
  },
});
