import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2CreateRoleRequest,
  IamV2DeleteRoleRequest,
  IamV2GetRoleRequest,
  IamV2ListRolesRequest,
  IamV2ListRolesResponse,
  IamV2Role,
  IamV2UpdateRoleRequest,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection, resourceColumns } from '../../api/paging.ts';
import { requiredUidp, selectVisible } from '../../api/selection.ts';
import { fieldMapping, timesOf, toDottedCapabilities, toEnumCapabilities } from '../../api/versions/field-mapping.ts';
import { applyMask } from '../../api/versions/masks.ts';
import { invalidArgument, notFound } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import * as v1 from '../roles.ts';
import { toWireRole } from '../roles.ts';

const fields = fieldMapping<IamRole, IamV2Role>({ id: 'uid', name: 'name', description: 'description' });

/** Unscoped, since built-in roles are everybody's to see: whatever a list of v1 shows to the caller. */
export function getRole(tx: Tx, caller: Caller, request: IamV2GetRoleRequest): IamV2Role {
  const id = requiredUidp('uid', request.uid);
  const [row] = selectVisible(tx, v1.roleSelection(tx, caller, { id }));
  if (row === undefined) throw notFound(`${id} not found`);
  return toRole(row);
}

export function listRoles(tx: Tx, caller: Caller, request: IamV2ListRolesRequest): IamV2ListRolesResponse {
  const { items, ...page } = pageOfSelection(tx, v1.roleSelection(tx, caller, request), request, resourceColumns);
  return { roles: items.map(toRole), ...page };
}

export function createRole(tx: Tx, caller: Caller, { parent = '', role = {} }: IamV2CreateRoleRequest): IamV2Role {
  if ((role.capabilities ?? []).length === 0) throw invalidArgument('capabilities is required');
  const { id } = v1.createRole(tx, caller, { parentId: parent, role: toV1Role(role) });
  return toRole(v1.findRole(tx, id ?? ''));
}

export function updateRole(tx: Tx, caller: Caller, { role = {}, updateMask }: IamV2UpdateRoleRequest): IamV2Role {
  const uid = requiredUidp('role.uid', role.uid);
  const before = toRole(v1.findRole(tx, uid));
  const { resource } = applyMask('chainguard.platform.iam.v2.Role', before, role, updateMask);
  v1.updateRole(tx, caller, { ...toV1Role(resource), id: uid });
  return toRole(v1.findRole(tx, uid));
}

export function deleteRole(tx: Tx, caller: Caller, request: IamV2DeleteRoleRequest): Empty {
  return v1.deleteRole(tx, caller, { id: requiredUidp('uid', request.uid) });
}

function toRole(row: SqlRow): IamV2Role {
  const role = toWireRole(row);
  return { ...fields.toV2(role), capabilities: toEnumCapabilities(role.capabilities), ...timesOf(row) };
}

function toV1Role(role: IamV2Role): IamRole {
  return { ...fields.toV1(role), capabilities: toDottedCapabilities(role.capabilities) };
}
