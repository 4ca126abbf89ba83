// Roles for groups of an identity provider.

import { CallFailure } from '../../caller.ts';
import { refuse } from '../../form.ts';
import { rolesOf } from '../../identities.ts';
import type { Action } from '../../page.ts';
import { SelectField, TextField } from '../../parts/fields.tsx';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { type Behind, mappingsOf, path, providersOf } from './providers.ts';

export const mapping = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    load: async (visit) => ({ providers: await providersOf(visit), roles: await rolesOf(visit.caller) }),
    pane: (visit, form, { providers, roles }) => ({
      title: 'Map a group',
      submit: 'Map group',
      anchor: 'map',
      fields: (
        <>
          <SelectField
            form={form}
            name="provider"
            label="Identity provider"
            options={providers.map(({ id = '', name = '' }) => ({ value: id, label: name }))}
          />
          <TextField
            form={form}
            name="group"
            label="Group"
            required
            autofocus
            maxLength={512}
            note="As the claim of the provider names it: often a name, an object ID with Entra ID."
          />
          <SelectField
            form={form}
            name="role"
            label="Role"
            initial={roles.find(({ name }) => name === 'viewer')?.id ?? ''}
            options={roles.map(({ id, name }) => ({ value: id, label: name }))}
          />
        </>
      ),
      same: [
        ...['iam', 'identity-providers', 'group-mappings', 'create', form.value('provider') || 'PROVIDER'],
        `--external-group-id=${form.value('group') || 'GROUP'}`,
        `--role=${roles.find(({ id }) => id === form.value('role'))?.name ?? 'viewer'}`,
        `--scope=${visit.organization.name}`,
      ],
    }),
    async submit(visit, form, { providers }) {
      const [provider, group] = [form.value('provider'), form.value('group')];
      refuse({
        provider: providers.some(({ id }) => id === provider) ? undefined : 'Choose one of the identity providers.',
        group: group === '' || /\p{Cc}/u.test(group) ? 'Name the group, without control characters.' : undefined,
        role: form.value('role') === '' ? 'Choose a role.' : undefined,
      });
      await visit.caller.call('iam.v1.ExternalGroupRoleMappings.Create', {
        parentId: provider,
        mapping: {
          identityProviderUidp: provider,
          externalGroupId: group,
          roleUidp: form.value('role'),
          scope: visit.organization.id,
        },
      });
      return { to: backTo(visit, path, 'group-mappings'), notice: `Members of “${group}” get the role from now on.` };
    },
  });

export const removeMapping = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    async load(visit) {
      const id = visit.query.get('id') ?? '';
      const found = (await mappingsOf(visit)).find((each) => each.id === id);
      if (found === undefined) throw new CallFailure('missing', 'It was removed, or you may not see it any more.');
      return { id, group: found.externalGroupId ?? '' };
    },
    pane: (_visit, _form, { id, group }) => ({
      title: 'Remove group mapping',
      submit: 'Remove mapping',
      isDangerous: true,
      anchor: 'group-mappings',
      fields: (
        <p>
          Members of <strong>{group}</strong> no longer get the role.
        </p>
      ),
      same: ['iam', 'external-group-role-mappings', 'delete', id],
    }),
    async submit(visit, _form, { id, group }) {
      await visit.caller.call('iam.v1.ExternalGroupRoleMappings.Delete', { id });
      return { to: backTo(visit, path, 'group-mappings'), notice: `Removed the mapping of “${group}”.` };
    },
  });
