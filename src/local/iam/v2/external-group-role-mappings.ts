import type { IamExternalGroupRoleMapping } from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2BatchDeleteExternalGroupRoleMappingsRequest,
  IamV2BatchDeleteExternalGroupRoleMappingsResponse,
  IamV2CreateExternalGroupRoleMappingRequest,
  IamV2DeleteExternalGroupRoleMappingRequest,
  IamV2ExternalGroupRoleMapping,
  IamV2GetExternalGroupRoleMappingRequest,
  IamV2ListExternalGroupRoleMappingsRequest,
  IamV2ListExternalGroupRoleMappingsResponse,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping } from '../../api/versions/field-mapping.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import * as v1 from '../external-group-role-mappings.ts';

const fields = fieldMapping<IamExternalGroupRoleMapping, IamV2ExternalGroupRoleMapping>({
  id: 'uid',
  identityProviderUidp: 'identityProviderUid',
  externalGroupId: 'externalGroupId',
  roleUidp: 'roleUid',
  scope: 'scope',
  createdAt: 'createTime',
});

const columns = { uid: 'id', external_group_id: 'external_group_id', role: 'role', created_at: 'created_at' };

export function getExternalGroupRoleMapping(
  tx: Tx,
  caller: Caller,
  request: IamV2GetExternalGroupRoleMappingRequest,
): IamV2ExternalGroupRoleMapping {
  return fields.toV2(v1.getExternalGroupRoleMapping(tx, caller, request));
}

export function listExternalGroupRoleMappings(
  tx: Tx,
  caller: Caller,
  request: IamV2ListExternalGroupRoleMappingsRequest,
): IamV2ListExternalGroupRoleMappingsResponse {
  const { uidp, identityProviderUid = '' } = request;
  const selection = v1.mappingSelection(tx, caller, {
    ...(uidp === undefined ? {} : { uidp }),
    identityProviderUidp: identityProviderUid,
  });
  const { items, ...page } = pageOfSelection(tx, selection, request, columns);
  return { externalGroupRoleMappings: items.map((row) => fields.toV2(v1.toWireMapping(row))), ...page };
}

export function createExternalGroupRoleMapping(
  tx: Tx,
  caller: Caller,
  { parent = '', externalGroupRoleMapping = {} }: IamV2CreateExternalGroupRoleMappingRequest,
): IamV2ExternalGroupRoleMapping {
  const mapping = fields.toV1(externalGroupRoleMapping);
  return fields.toV2(v1.createExternalGroupRoleMapping(tx, caller, { parentId: parent, mapping }));
}

export function deleteExternalGroupRoleMapping(
  tx: Tx,
  caller: Caller,
  request: IamV2DeleteExternalGroupRoleMappingRequest,
): Empty {
  return v1.deleteExternalGroupRoleMapping(tx, caller, { id: requiredUidp('uid', request.uid) });
}

export function deleteExternalGroupRoleMappings(
  tx: Tx,
  caller: Caller,
  { parent = '', names = [] }: IamV2BatchDeleteExternalGroupRoleMappingsRequest,
): IamV2BatchDeleteExternalGroupRoleMappingsResponse {
  const { items = [] } = v1.deleteExternalGroupRoleMappings(tx, caller, { parentId: parent, ids: names });
  return { parent, externalGroupRoleMappings: items.map(fields.toV2) };
}
