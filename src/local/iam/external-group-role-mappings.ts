import type {
  IamBatchDeleteExternalGroupRoleMappingsRequest,
  IamBatchDeleteExternalGroupRoleMappingsResponse,
  IamCreateExternalGroupRoleMappingRequest,
  IamDeleteExternalGroupRoleMappingRequest,
  IamExternalGroupRoleMapping,
  IamExternalGroupRoleMappingFilter,
  IamExternalGroupRoleMappingList,
  IamGetExternalGroupRoleMappingRequest,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId, parentOf, rootOf } from '../../api/uidp.ts';
import {
  type ListContext,
  optionalUidp,
  type Resource,
  requiredUidp,
  type Selection,
  selectVisible,
} from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { groupsWith } from '../authorization/access.ts';
import { alreadyExists, invalidArgument, notFound } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { requireGrantableRole } from './grantable-roles.ts';
import { requireProvider } from './stored-provider.ts';

const resource: Resource = { table: 'external_group_role_mappings', parent: 'identity_provider' };

const maxGroupIdLength = 512;

/** A mapping grants its role to whoever the provider says is in the group, so the caller must hold the role's worth. */
export function createExternalGroupRoleMapping(
  tx: Tx,
  caller: Caller,
  request: IamCreateExternalGroupRoleMappingRequest,
): IamExternalGroupRoleMapping {
  const provider = requireProvider(tx, requiredUidp('parent_id', request.parentId)).id;
  const mapping = request.mapping ?? {};
  const named = optionalUidp('identity_provider_uidp', mapping.identityProviderUidp);
  if (named !== undefined && named !== provider) {
    throw invalidArgument('identity_provider_uidp is not the identity provider that the mapping is created under');
  }
  const group = mapping.externalGroupId ?? '';
  if (group === '') throw invalidArgument('external_group_id is required');
  if (group.length > maxGroupIdLength || /[\p{Cc}]/u.test(group)) {
    throw invalidArgument(
      `external_group_id must be at most ${maxGroupIdLength} characters without control characters`,
    );
  }
  const scope = requiredUidp('scope', mapping.scope);
  if (scope !== rootOf(provider)) {
    throw invalidArgument('scope must be the organization that the identity provider belongs to');
  }
  const role = String(requireGrantableRole(tx, caller, scope, requiredUidp('role_uidp', mapping.roleUidp))['id']);
  const existing = tx.get(
    `SELECT id FROM external_group_role_mappings
     WHERE identity_provider = ? AND external_group_id = ? AND role = ? AND scope = ?`,
    provider,
    group,
    role,
    scope,
  );
  if (existing !== undefined) throw alreadyExists(`mapping already exists as ${existing['id']}`);
  const id = newChildId(provider, (count) => tx.randomBytes(count));
  tx.run(
    `INSERT INTO external_group_role_mappings (id, identity_provider, external_group_id, role, scope, created_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
    id,
    provider,
    group,
    role,
    scope,
    tx.now,
  );
  return toWireMapping(requireMapping(tx, id));
}

export function getExternalGroupRoleMapping(
  tx: Tx,
  _caller: Caller,
  request: IamGetExternalGroupRoleMappingRequest,
): IamExternalGroupRoleMapping {
  return toWireMapping(requireMapping(tx, requiredUidp('uid', request.uid)));
}

export function listExternalGroupRoleMappings(
  tx: Tx,
  caller: Caller,
  request: IamExternalGroupRoleMappingFilter,
  context?: ListContext,
): IamExternalGroupRoleMappingList {
  return { items: selectVisible(tx, mappingSelection(tx, caller, request), context?.part).map(toWireMapping) };
}

export function mappingSelection(
  tx: Tx,
  caller: Caller,
  { uidp, identityProviderUidp }: IamExternalGroupRoleMappingFilter,
): Selection {
  const visible = groupsWith(tx, caller, ['identity_providers.list']);
  const provider = optionalUidp('identity_provider_uidp', identityProviderUidp);
  return { resource, visible, uidp, also: { identity_provider: provider } };
}

export function deleteExternalGroupRoleMapping(
  tx: Tx,
  _caller: Caller,
  request: IamDeleteExternalGroupRoleMappingRequest,
): Empty {
  const id = requiredUidp('id', request.id);
  requireMapping(tx, id);
  tx.run('DELETE FROM external_group_role_mappings WHERE id = ?', id);
  return {};
}

/** Ids that are gone are skipped, ids of another provider refused (external_group_role_mappings.proto). */
export function deleteExternalGroupRoleMappings(
  tx: Tx,
  _caller: Caller,
  request: IamBatchDeleteExternalGroupRoleMappingsRequest,
): IamBatchDeleteExternalGroupRoleMappingsResponse {
  const provider = requireProvider(tx, requiredUidp('parent_id', request.parentId)).id;
  const ids = [...new Set(request.ids ?? [])];
  if (ids.length === 0) throw invalidArgument('ids is required');
  for (const id of ids) {
    if (parentOf(requiredUidp('ids', id)) !== provider) {
      throw invalidArgument(`ids: ${id} is not a mapping of ${provider}`);
    }
  }
  const items: IamExternalGroupRoleMapping[] = [];
  for (const id of ids) {
    const row = tx.get('SELECT * FROM external_group_role_mappings WHERE id = ?', id);
    if (row === undefined) continue;
    tx.run('DELETE FROM external_group_role_mappings WHERE id = ?', id);
    items.push(toWireMapping(row));
  }
  return { parentId: provider, items };
}

function requireMapping(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM external_group_role_mappings WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

export function toWireMapping(row: SqlRow): IamExternalGroupRoleMapping {
  return {
    id: String(row['id']),
    identityProviderUidp: String(row['identity_provider']),
    externalGroupId: String(row['external_group_id']),
    roleUidp: String(row['role']),
    scope: String(row['scope']),
    createdAt: toWireTime(Number(row['created_at'])),
  };
}
