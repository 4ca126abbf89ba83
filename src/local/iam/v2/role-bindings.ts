import type { IamRoleBinding } from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2BatchCreateRoleBindingsRequest,
  IamV2BatchCreateRoleBindingsResponse,
  IamV2CreateRoleBindingRequest,
  IamV2DeleteRoleBindingRequest,
  IamV2GetRoleBindingRequest,
  IamV2ListRoleBindingsRequest,
  IamV2ListRoleBindingsResponse,
  IamV2RoleBinding,
  IamV2UpdateRoleBindingRequest,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection } from '../../api/paging.ts';
import { optionalUidp, requiredUidp } from '../../api/selection.ts';
import { deleteIfThere } from '../../api/versions/deletion.ts';
import { fieldMapping } from '../../api/versions/field-mapping.ts';
import { applyMask } from '../../api/versions/masks.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import * as v1 from '../role-bindings.ts';

const maxBatchSize = 25;

const fields = fieldMapping<IamRoleBinding, IamV2RoleBinding>({ id: 'uid', identity: 'identityUid', role: 'roleUid' });

const columns = {
  uid: 'id',
  identity: 'identity',
  group: 'group_id',
  role: 'role',
  created_at: 'created_at',
  updated_at: 'updated_at',
};

export function getRoleBinding(tx: Tx, _caller: Caller, request: IamV2GetRoleBindingRequest): IamV2RoleBinding {
  return readBinding(tx, requiredUidp('uid', request.uid));
}

export function listRoleBindings(
  tx: Tx,
  caller: Caller,
  request: IamV2ListRoleBindingsRequest,
): IamV2ListRoleBindingsResponse {
  const { identity, group, role, uidp } = request;
  const also = {
    identity: optionalUidp('identity', identity),
    group_id: optionalUidp('group', group),
    role: optionalUidp('role', role),
  };
  const selection = { ...v1.roleBindingSelection(tx, caller, {}), uidp, also };
  const { items, ...page } = pageOfSelection(tx, selection, request, columns);
  return { roleBindings: v1.readBindings(tx, items).map(toBinding), ...page };
}

export function createRoleBinding(
  tx: Tx,
  caller: Caller,
  { parent = '', roleBinding = {} }: IamV2CreateRoleBindingRequest,
): IamV2RoleBinding {
  const { id } = v1.createRoleBinding(tx, caller, { parent, roleBinding: fields.toV1(roleBinding) });
  return readBinding(tx, id ?? '');
}

/** The role of the batch is for the entries that name none; one that names another is a mistake. */
export function createRoleBindings(
  tx: Tx,
  caller: Caller,
  { parent = '', requests = [], roleUid = '' }: IamV2BatchCreateRoleBindingsRequest,
): IamV2BatchCreateRoleBindingsResponse {
  if (requests.length === 0) throw invalidArgument('requests is required');
  if (requests.length > maxBatchSize) throw invalidArgument(`requests: at most ${maxBatchSize} at once`);
  const wanted = requests.map(({ parent: own = '', roleBinding = {} }, index) => {
    const at = `requests[${index}]`;
    if (own !== '' && own !== parent) throw invalidArgument(`${at}.parent differs from the parent of the batch`);
    const role = roleBinding.roleUid ?? '';
    if (roleUid !== '' && role !== '' && role !== roleUid) {
      throw invalidArgument(`${at}.role_binding.role_uid differs from the role_uid of the batch`);
    }
    return fields.toV1({ ...roleBinding, roleUid: role === '' ? roleUid : role });
  });
  const { roleBindings = [] } = v1.createRoleBindings(tx, caller, { parent, roleBindings: wanted });
  const rows = roleBindings.map(({ id = '' }) => v1.findBinding(tx, id));
  return { roleBindings: v1.readBindings(tx, rows).map(toBinding) };
}

export function updateRoleBinding(
  tx: Tx,
  caller: Caller,
  { roleBinding = {}, updateMask }: IamV2UpdateRoleBindingRequest,
): IamV2RoleBinding {
  const uid = requiredUidp('role_binding.uid', roleBinding.uid);
  const before = readBinding(tx, uid);
  const { resource } = applyMask('chainguard.platform.iam.v2.RoleBinding', before, roleBinding, updateMask);
  v1.updateRoleBinding(tx, caller, { ...fields.toV1(resource), id: uid });
  return readBinding(tx, uid);
}

export function deleteRoleBinding(tx: Tx, caller: Caller, request: IamV2DeleteRoleBindingRequest): Empty {
  return deleteIfThere(() => v1.deleteRoleBinding(tx, caller, { id: requiredUidp('uid', request.uid) }));
}

function readBinding(tx: Tx, uid: string): IamV2RoleBinding {
  const [binding] = v1.readBindings(tx, [v1.findBinding(tx, uid)]);
  if (binding === undefined) throw new Error('a binding that was read is gone');
  return toBinding(binding);
}

function toBinding({ row, group, identity, role }: v1.HydratedBinding): IamV2RoleBinding {
  const who = identity === undefined ? {} : v1.describeIdentity(identity);
  return {
    ...idsOf(row),
    identity: {
      uid: String(row['identity']),
      name: identity?.name ?? '',
      description: identity?.description ?? '',
      subject: who.claimMatchSubject ?? '',
      issuer: who.claimMatchIssuer ?? '',
      email: who.email ?? '',
    },
    group: { uid: String(row['group_id']), name: group?.name ?? '', description: group?.description ?? '' },
    role: { uid: String(row['role']), name: role?.name ?? '', description: role?.description ?? '' },
    createTime: toWireTime(Number(row['created_at'])),
  };
}

function idsOf(row: SqlRow): IamV2RoleBinding {
  return { uid: String(row['id']), identityUid: String(row['identity']), roleUid: String(row['role']) };
}
