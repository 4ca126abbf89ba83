import type {
  IamCreateRoleBindingBatchRequest,
  IamCreateRoleBindingRequest,
  IamDeleteRoleBindingRequest,
  IamGroup,
  IamRole,
  IamRoleBinding,
  IamRoleBindingBatch,
  IamRoleBindingFilter,
  IamRoleBindingList,
  IamRoleBindingListBinding,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { rootOf } from '../../api/uidp.ts';
import { type ListContext, type Resource, requiredUidp, type Selection, selectVisible } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { type Authority, authorityOf, groupsWith } from '../authorization/access.ts';
import { alreadyExists, invalidArgument, notFound } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, SqlValue, Tx } from '../store/database.ts';
import { bindRole, findBoundRole } from './bind-role.ts';
import { requireGrantableRole } from './grantable-roles.ts';
import { findGroup, toWireGroup } from './groups.ts';
import { keepAnOwner } from './owners.ts';
import { toWireRole } from './roles.ts';
import { findIdentity, type StoredIdentity, toStoredIdentity } from './stored-identity.ts';

const resource: Resource = { table: 'role_bindings', parent: 'group_id' };

export function createRoleBinding(tx: Tx, caller: Caller, request: IamCreateRoleBindingRequest): IamRoleBinding {
  const group = requiredUidp('parent', request.parent);
  findGroup(tx, group);
  return createOne(tx, caller, group, request.roleBinding ?? {}, authorityOf(tx, caller));
}

/** All or none: an entry that is refused undoes those before it. */
export function createRoleBindings(
  tx: Tx,
  caller: Caller,
  request: IamCreateRoleBindingBatchRequest,
): IamRoleBindingBatch {
  const group = requiredUidp('parent', request.parent);
  const wanted = request.roleBindings ?? [];
  if (wanted.length === 0) throw invalidArgument('role_bindings is required');
  findGroup(tx, group);
  const authority = authorityOf(tx, caller);
  return { roleBindings: wanted.map((binding) => createOne(tx, caller, group, binding, authority)) };
}

/** The group is the parent of the id; a `group` in the message is ignored (semantics 4). */
export function updateRoleBinding(tx: Tx, caller: Caller, request: IamRoleBinding): IamRoleBinding {
  const binding = findBinding(tx, requiredUidp('id', request.id));
  const id = String(binding['id']);
  const group = String(binding['group_id']);
  const { identity, role } = checkTarget(tx, caller, group, request, authorityOf(tx, caller));
  const same = binding['identity'] === identity && binding['role'] === role;
  if (!same) requireNew(tx, group, identity, role);
  keepAnOwner(tx, [group], () =>
    tx.run('UPDATE role_bindings SET identity = ?, role = ?, updated_at = ? WHERE id = ?', identity, role, tx.now, id),
  );
  return { id, identity, role };
}

export function listRoleBindings(
  tx: Tx,
  caller: Caller,
  request: IamRoleBindingFilter,
  context?: ListContext,
): IamRoleBindingList {
  return {
    items: readBindings(tx, selectVisible(tx, roleBindingSelection(tx, caller, request), context?.part)).map(
      toListItem,
    ),
  };
}

export function roleBindingSelection(tx: Tx, caller: Caller, { id, uidp }: IamRoleBindingFilter): Selection {
  return { resource, visible: groupsWith(tx, caller, ['role_bindings.list']), id, uidp };
}

export function deleteRoleBinding(tx: Tx, _caller: Caller, request: IamDeleteRoleBindingRequest): Empty {
  const binding = findBinding(tx, requiredUidp('id', request.id));
  keepAnOwner(tx, [String(binding['group_id'])], () =>
    tx.run('DELETE FROM role_bindings WHERE id = ?', String(binding['id'])),
  );
  return {};
}

function createOne(
  tx: Tx,
  caller: Caller,
  group: string,
  binding: IamRoleBinding,
  authority: Authority,
): IamRoleBinding {
  const { identity, role } = checkTarget(tx, caller, group, binding, authority);
  requireNew(tx, group, identity, role);
  return bindRole(tx, { group, identity, role });
}

function checkTarget(
  tx: Tx,
  caller: Caller,
  group: string,
  binding: IamRoleBinding,
  authority: Authority,
): { identity: string; role: string } {
  const identity = requiredUidp('identity', binding.identity);
  const role = requiredUidp('role', binding.role);
  requireBindable(tx, authority, group, identity);
  requireGrantableRole(tx, caller, group, role, authority);
  return { identity, role };
}

/** Users and identities of the same organization; another organization's only for who may list them there. */
function requireBindable(tx: Tx, authority: Authority, group: string, identity: string): void {
  const record = findIdentity(tx, identity);
  const reachable =
    record !== undefined &&
    (record.parent === null || rootOf(identity) === rootOf(group) || authority(identity).has('identity.list'));
  if (!reachable) throw notFound(`identity ${identity} not found`);
}

function requireNew(tx: Tx, group: string, identity: string, role: string): void {
  const existing = findBoundRole(tx, { group, identity, role });
  if (existing !== undefined) throw alreadyExists(`role binding already exists as ${existing}`);
}

export function findBinding(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM role_bindings WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

/** A binding and what it refers to. */
export interface HydratedBinding {
  readonly row: SqlRow;
  readonly group: IamGroup | undefined;
  readonly identity: StoredIdentity | undefined;
  readonly role: IamRole | undefined;
}

export function readBindings(tx: Tx, rows: readonly SqlRow[]): HydratedBinding[] {
  // A list may be long: what it refers to is read at once and decoded once.
  const groups = readReferred(tx, 'groups', rows, 'group_id', toWireGroup);
  const roles = readReferred(tx, 'roles', rows, 'role', toWireRole);
  const identities = readReferred(tx, 'identities', rows, 'identity', toStoredIdentity);
  return rows.map((row) => ({
    row,
    group: groups.get(row['group_id']),
    identity: identities.get(row['identity']),
    role: roles.get(row['role']),
  }));
}

/** List items say who and what by name, unlike the answers of create and update (semantics 10). */
function toListItem({ row, group, identity, role }: HydratedBinding): IamRoleBindingListBinding {
  return {
    id: String(row['id']),
    ...(group === undefined ? {} : { group }),
    identity: String(row['identity']),
    ...(role === undefined ? {} : { role }),
    ...(identity === undefined ? {} : describeIdentity(identity)),
    createdAt: toWireTime(Number(row['created_at'])),
  };
}

function readReferred<T>(
  tx: Tx,
  table: 'groups' | 'roles' | 'identities',
  rows: readonly SqlRow[],
  column: string,
  decode: (row: SqlRow) => T,
): Map<SqlValue | undefined, T> {
  const ids = JSON.stringify([...new Set(rows.map((row) => row[column]))]);
  const found = tx.all(`SELECT * FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, ids);
  return new Map(found.map((row) => [row['id'], decode(row)]));
}

/** Returns what others who may see a binding see of whom it is for. */
export function describeIdentity(identity: StoredIdentity): IamRoleBindingListBinding {
  const { relationship } = identity;
  // A user is known by its address; what it signs in with is not the organization's business.
  const claims = identity.parent !== null && relationship.kind === 'claimMatch' ? relationship.claimMatch : undefined;
  const email = identity.email ?? '';
  return {
    ...(identity.emailVerified ? { email } : { emailUnverified: email }),
    claimMatchIssuer: claims?.issuer ?? '',
    claimMatchSubject: claims?.subject ?? '',
  };
}
