import type { IamGroupInviteRequest, IamRole } from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2CreateGroupInviteRequest,
  IamV2DeleteGroupInviteRequest,
  IamV2GetGroupInviteRequest,
  IamV2GroupInvite,
  IamV2ListGroupInvitesRequest,
  IamV2ListGroupInvitesResponse,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping, toEnumCapabilities } from '../../api/versions/field-mapping.ts';
import { toWireTime } from '../../api/wire-time.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import * as v1 from '../group-invites.ts';

const wanted = fieldMapping<IamGroupInviteRequest, IamV2GroupInvite>({
  ttl: 'ttl',
  role: 'roleUid',
  email: 'email',
  singleUse: 'singleUse',
});

const columns = { uid: 'id', created_at: 'created_at', expires_at: 'expires_at', email: 'email', key_id: 'key_id' };

export function getGroupInvite(tx: Tx, _caller: Caller, request: IamV2GetGroupInviteRequest): IamV2GroupInvite {
  const row = v1.findGroupInvite(tx, requiredUidp('uid', request.uid));
  return toInvite(row, v1.rolesOfInvites(tx, [row]).get(row['role']));
}

export function listGroupInvites(
  tx: Tx,
  caller: Caller,
  request: IamV2ListGroupInvitesRequest,
): IamV2ListGroupInvitesResponse {
  const { uidp, keyId = '' } = request;
  const selection = { ...v1.groupInviteSelection(tx, caller, keyId === '' ? {} : { keyId }), uidp };
  const { items, ...page } = pageOfSelection(tx, selection, request, columns, 'created_at desc');
  const roles = v1.rolesOfInvites(tx, items);
  return { groupInvites: items.map((row) => toInvite(row, roles.get(row['role']))), ...page };
}

export function createGroupInvite(
  tx: Tx,
  caller: Caller,
  { parent = '', groupInvite = {} }: IamV2CreateGroupInviteRequest,
): IamV2GroupInvite {
  const { id = '', code = '' } = v1.createGroupInvite(tx, caller, { ...wanted.toV1(groupInvite), group: parent });
  return { ...getGroupInvite(tx, caller, { uid: id }), code };
}

export function deleteGroupInvite(tx: Tx, caller: Caller, request: IamV2DeleteGroupInviteRequest): Empty {
  return v1.deleteGroupInvite(tx, caller, { id: requiredUidp('uid', request.uid) });
}

function toInvite(row: SqlRow, role: IamRole | undefined): IamV2GroupInvite {
  return {
    uid: String(row['id']),
    ...(role === undefined ? {} : { roleUid: role.id ?? '', role: toInviteRole(role) }),
    email: String(row['email']),
    expirationTime: toWireTime(Number(row['expires_at'])),
    singleUse: row['single_use'] === 1,
    keyId: String(row['key_id']),
    createTime: toWireTime(Number(row['created_at'])),
  };
}

function toInviteRole({
  id = '',
  name = '',
  description = '',
  capabilities = [],
}: IamRole): IamV2GroupInvite['role'] & {} {
  return { uid: id, name, description, capabilities: toEnumCapabilities(capabilities) };
}
