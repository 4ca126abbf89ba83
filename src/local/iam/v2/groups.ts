import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2CheckEligibilityRequest,
  IamV2CheckEligibilityResponse,
  IamV2CreateGroupRequest,
  IamV2DeleteGroupRequest,
  IamV2GetGroupRequest,
  IamV2Group,
  IamV2ListGroupsRequest,
  IamV2ListGroupsResponse,
  IamV2LookupGroupRequest,
  IamV2LookupGroupResponse,
  IamV2RequestGroupAccessRequest,
  IamV2RequestGroupAccessResponse,
  IamV2UpdateGroupRequest,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { rootOf } from '../../../api/uidp.ts';
import { pageOfSelection, resourceColumns } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping, timesOf } from '../../api/versions/field-mapping.ts';
import { applyMask } from '../../api/versions/masks.ts';
import { permissionDenied } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import * as access from '../group-access.ts';
import * as v1 from '../groups.ts';

const fields = fieldMapping<IamGroup, IamV2Group>({
  id: 'uid',
  name: 'name',
  description: 'description',
  resourceLimits: 'resourceLimits',
  verified: 'verified',
  kind: 'kind',
  status: 'status',
});

export function getGroup(tx: Tx, _caller: Caller, request: IamV2GetGroupRequest): IamV2Group {
  const row = v1.findGroup(tx, requiredUidp('uid', request.uid));
  const [group = {}] = toGroups(tx, [row]);
  return group;
}

export function listGroups(tx: Tx, caller: Caller, request: IamV2ListGroupsRequest): IamV2ListGroupsResponse {
  const { items, ...page } = pageOfSelection(tx, v1.groupSelection(tx, caller, request), request, resourceColumns);
  return { groups: toGroups(tx, items), ...page };
}

export function createGroup(tx: Tx, caller: Caller, { parent = '', group = {} }: IamV2CreateGroupRequest): IamV2Group {
  const { id } = v1.createGroup(tx, caller, { parent, group: fields.toV1(group) });
  const made = getGroup(tx, caller, { uid: id ?? '' });
  // v1 passes over what it does not give; here that would be found out by reading it back only.
  const { verified = made.verified ?? false, kind = made.kind ?? '' } = group;
  requireUntouched(made, { ...made, verified, kind }, 'leave it out');
  return made;
}

export function updateGroup(tx: Tx, caller: Caller, request: IamV2UpdateGroupRequest): IamV2Group {
  const { group = {}, updateMask } = request;
  const uid = requiredUidp('group.uid', group.uid);
  const before = getGroup(tx, caller, { uid });
  const { resource } = applyMask('chainguard.platform.iam.v2.Group', before, group, updateMask);
  requireUntouched(before, resource, 'leave it out of the update mask');
  v1.updateGroup(tx, caller, { ...fields.toV1(resource), id: uid });
  return getGroup(tx, caller, { uid });
}

export function deleteGroup(tx: Tx, caller: Caller, request: IamV2DeleteGroupRequest): Empty {
  return v1.deleteGroup(tx, caller, { id: requiredUidp('uid', request.uid) });
}

export function lookupGroup(tx: Tx, caller: Caller, _request: IamV2LookupGroupRequest): IamV2LookupGroupResponse {
  const uid = access.lookupGroup(tx, caller, {}).group?.id ?? '';
  return { group: getGroup(tx, caller, { uid }) };
}

export function requestGroupAccess(
  tx: Tx,
  caller: Caller,
  { groupUid = '' }: IamV2RequestGroupAccessRequest,
): IamV2RequestGroupAccessResponse {
  return access.requestGroupAccess(tx, caller, { groupId: groupUid });
}

export function checkEligibility(
  tx: Tx,
  caller: Caller,
  request: IamV2CheckEligibilityRequest,
): IamV2CheckEligibilityResponse {
  return access.checkEligibility(tx, caller, request);
}

/** Only Chainguard's staff sets these. A mask may name them, and `*` does, while they stay what they are. */
function requireUntouched(before: IamV2Group, after: IamV2Group, advice: string): void {
  const isSame = {
    verified: (after.verified ?? false) === before.verified,
    kind: (after.kind ?? 'ORG_KIND_UNSPECIFIED') === before.kind,
    status: (after.status ?? 'ORG_STATUS_UNSPECIFIED') === before.status,
  };
  for (const [field, same] of Object.entries(isSame)) {
    if (!same) throw permissionDenied(`${field} is not the caller's to set: ${advice}`);
  }
}

/** A folder is of its organization's kind and status; in v1 it has none. */
function toGroups(tx: Tx, rows: readonly SqlRow[]): IamV2Group[] {
  const roots = new Map<string, IamV2Group>();
  for (const root of new Set(rows.map((row) => rootOf(String(row['id']))))) {
    const { kind = '', status = '' } = v1.toWireGroup(v1.findGroup(tx, root));
    roots.set(root, { kind, status });
  }
  return rows.map((row) => ({
    ...fields.toV2(v1.toWireGroup(row)),
    ...timesOf(row),
    ...roots.get(rootOf(String(row['id']))),
  }));
}
