import { sortCapabilities } from '../../api/capabilities.ts';
import { capabilities as knownCapabilities } from '../../api/schema/capabilities.gen.ts';
import type {
  IamCreateRoleRequest,
  IamDeleteRoleRequest,
  IamRole,
  IamRoleFilter,
  IamRoleList,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId, parentOf } from '../../api/uidp.ts';
import { checkDescription, checkName } from '../api/field-rules.ts';
import { type ListContext, type Resource, requiredUidp, type Selection, selectVisible } from '../api/selection.ts';
import { capabilitiesAt, groupsWith } from '../authorization/access.ts';
import { alreadyExists, failedPrecondition, invalidArgument, notFound, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { isBuiltInRoleName } from './built-in-roles.ts';
import { findGroup } from './groups.ts';

const resource: Resource = { table: 'roles', parent: 'parent' };

const byName = new Map(knownCapabilities.map((capability) => [capability.name, capability]));

export function createRole(tx: Tx, _caller: Caller, request: IamCreateRoleRequest): IamRole {
  const parent = requiredUidp('parent_id', request.parentId);
  const name = checkName(request.role?.name);
  const description = checkDescription(request.role?.description);
  const capabilities = checkCapabilities(request.role?.capabilities);
  findGroup(tx, parent);
  assertNameAvailable(tx, parent, name);
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  tx.run(
    'INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    parent,
    name,
    description,
    JSON.stringify(capabilities),
    tx.now,
    tx.now,
  );
  return { id, name, description, capabilities };
}

export function updateRole(tx: Tx, caller: Caller, request: IamRole): IamRole {
  const row = findCustomRole(tx, requiredUidp('id', request.id));
  const id = String(row['id']);
  const name = checkName(request.name);
  const description = checkDescription(request.description);
  const capabilities = checkCapabilities(request.capabilities);
  if (name !== row['name']) assertNameAvailable(tx, parentOf(id), name);
  requireGrantable(tx, caller, row, capabilities);
  tx.run(
    'UPDATE roles SET name = ?, description = ?, capabilities = ?, updated_at = ? WHERE id = ?',
    name,
    description,
    JSON.stringify(capabilities),
    tx.now,
    id,
  );
  return { id, name, description, capabilities };
}

export function listRoles(tx: Tx, caller: Caller, request: IamRoleFilter, context?: ListContext): IamRoleList {
  const { parent } = request;
  const rows = selectVisible(tx, roleSelection(tx, caller, request), context?.part);
  const shown =
    parent === undefined || parent === '' ? rows : rows.filter((row) => parentOf(String(row['id'])) === parent);
  return { items: shown.map(toWireRole) };
}

/** Built-in roles are in every caller's list; `parent` `/` asks for them alone (semantics 4). */
export function roleSelection(tx: Tx, caller: Caller, { parent, id, name, uidp }: IamRoleFilter): Selection {
  if (parent !== undefined && parent !== '' && parent !== '/') requiredUidp('parent', parent);
  const visible = parent === '/' ? [] : groupsWith(tx, caller, ['roles.list']);
  const builtIn = tx.all('SELECT id FROM roles WHERE parent IS NULL').map((row) => String(row['id']));
  return { resource, visible: [...visible, ...builtIn].sort(), id, name, uidp };
}

export function deleteRole(tx: Tx, _caller: Caller, request: IamDeleteRoleRequest): Empty {
  const id = String(findCustomRole(tx, requiredUidp('id', request.id))['id']);
  const uses = usesOf(tx, id);
  if (uses.length > 0) throw failedPrecondition(`role ${id} is in use by ${uses.join(', ')}`);
  tx.run('DELETE FROM roles WHERE id = ?', id);
  return {};
}

/** Invites are none of them: one whose role is gone cannot be accepted any more (v2 GroupInvite, `role`). */
function usesOf(tx: Tx, id: string): string[] {
  return usedBy.flatMap(([table, column, noun]) => {
    const count = Number(tx.get(`SELECT COUNT(*) AS count FROM ${table} WHERE ${column} = ?`, id)?.['count']);
    return count === 0 ? [] : [`${count} ${noun}${count === 1 ? '' : 's'}`];
  });
}

const usedBy = [
  ['role_bindings', 'role', 'role binding'],
  ['identity_providers', 'default_role', 'identity provider'],
  ['external_group_role_mappings', 'role', 'group mapping'],
] as const;

/** A role of any kind. Throws NOT_FOUND in the same words as `requireCapabilities`. */
export function findRole(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM roles WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

function findCustomRole(tx: Tx, id: string): SqlRow {
  const row = findRole(tx, id);
  if (row['parent'] === null) throw permissionDenied(`built-in role ${JSON.stringify(row['name'])} cannot be changed`);
  return row;
}

/** A built-in name would make `--role=viewer` mean two things. */
function assertNameAvailable(tx: Tx, parent: string, name: string): void {
  if (isBuiltInRoleName(name)) throw alreadyExists(`role ${JSON.stringify(name)} is built in`);
  if (tx.get('SELECT 1 FROM roles WHERE parent = ? AND name = ?', parent, name) === undefined) return;
  throw alreadyExists(`role ${JSON.stringify(name)} already exists in ${parent}`);
}

/** Whoever is bound to the role already gets what is added, so adding is granting: only what the caller holds itself. */
function requireGrantable(tx: Tx, caller: Caller, row: SqlRow, capabilities: readonly string[]): void {
  const before = new Set(capabilitiesOf(row));
  const held = capabilitiesAt(tx, caller, String(row['parent']));
  const beyond = capabilities.filter((capability) => !before.has(capability) && !held.has(capability));
  if (beyond.length > 0) throw permissionDenied(`missing: ${beyond.join(', ')}`);
}

/** Known names, in enum order without duplicates; internal ones only beside `internal` (roles.md 1). */
function checkCapabilities(names: readonly string[] = []): string[] {
  for (const name of names) {
    if (!byName.has(name)) throw invalidArgument(`capabilities: ${JSON.stringify(name)} is not a capability`);
  }
  const internal = names.find((name) => byName.get(name)?.internalOnly === true);
  if (internal !== undefined && !names.includes('internal')) {
    throw invalidArgument(`capabilities: ${JSON.stringify(internal)} is internal`);
  }
  return sortCapabilities(names);
}

export function toWireRole(row: SqlRow): IamRole {
  return {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    capabilities: capabilitiesOf(row),
  };
}

export function capabilitiesOf(row: SqlRow): string[] {
  // Only the role service and the built-in roles write the column, as a list of dotted names in enum order.
  return JSON.parse(String(row['capabilities'])) as string[];
}
