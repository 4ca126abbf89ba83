import { compact } from '../../../api/compact.ts';
import type { IamExternalGroupRoleMapping } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import { groupDirectory } from '../../../cli/inputs/references.ts';
import { timeCell } from '../../../cli/output/age.ts';
import { identityProviderName } from '../identity-providers/identity-provider.ts';
import { roleName } from '../roles/role.ts';

export interface ShownMapping {
  readonly mapping: IamExternalGroupRoleMapping;
  /** Names, fetched when a column first asks for them. */
  readonly roleName: () => Promise<string>;
  readonly scopeName: () => Promise<string>;
  readonly providerName: () => Promise<string>;
}

export const mappingView = defineView<ShownMapping>({
  id: ({ mapping }) => mapping.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ mapping }) => mapping.id },
    { head: 'EXTERNAL GROUP', value: ({ mapping }) => mapping.externalGroupId },
    { head: 'ROLE', value: (shown) => shown.roleName() },
    { head: 'SCOPE', value: (shown) => shown.scopeName() },
    { head: 'IDENTITY PROVIDER', rank: 2, value: (shown) => shown.providerName() },
    {
      head: 'CREATED',
      rank: 3,
      value: ({ mapping }, cell) => (mapping.createdAt ? timeCell(Date.parse(mapping.createdAt), cell) : ''),
    },
  ],
  json: ({ mapping }) =>
    compact({
      id: mapping.id,
      identity_provider_uidp: mapping.identityProviderUidp,
      external_group_id: mapping.externalGroupId,
      role_uidp: mapping.roleUidp,
      scope: mapping.scope,
      created_at: mapping.createdAt,
    }),
  envelope: 'items',
  empty: 'No mappings found.',
});

export function shown(context: Context, mapping: IamExternalGroupRoleMapping): ShownMapping {
  const { roleUidp = '', scope = '', identityProviderUidp = '' } = mapping;
  return {
    mapping,
    roleName: () => roleName(context, roleUidp),
    scopeName: async () => (await groupDirectory(context)).byId.get(scope)?.name ?? scope,
    providerName: () => identityProviderName(context, identityProviderUidp),
  };
}
