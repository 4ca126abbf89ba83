import type {
  IamCreateGroupRequest,
  IamDeleteGroupRequest,
  IamGroup,
  IamGroupFilter,
  IamGroupList,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { isAncestorOrSelf, isRoot, isUidp, newChildId, parentOf } from '../../api/uidp.ts';
import { checkDescription, checkName } from '../api/field-rules.ts';
import { type ListContext, type Resource, requiredUidp, type Selection, selectVisible } from '../api/selection.ts';
import { groupsWith, requireCapabilities } from '../authorization/access.ts';
import { alreadyExists, failedPrecondition, invalidArgument, notFound, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { bindRole } from './bind-role.ts';
import { builtInRoleId } from './built-in-roles.ts';
import { recallGroup } from './recalled-group.ts';
import { findIdentity, isAccount } from './stored-identity.ts';

const resource: Resource = { table: 'groups', parent: 'parent' };

/** An empty parent makes an organization that the caller then owns; a parent may be an id, its end, or a name (semantics 4). */
export function createGroup(tx: Tx, caller: Caller, request: IamCreateGroupRequest): IamGroup {
  const name = checkName(request.group?.name);
  const description = checkDescription(request.group?.description);
  if (request.parent === undefined || request.parent === '') return createOrganization(tx, caller, name, description);

  const parent = resolveParent(tx, caller, request.parent);
  requireCapabilities(tx, caller, ['groups.create'], parent);
  findGroup(tx, parent);
  assertNameAvailable(tx, parent, name);
  return insertGroup(tx, { parent, name, description });
}

export function updateGroup(tx: Tx, _caller: Caller, request: IamGroup): IamGroup {
  const group = findGroup(tx, requiredUidp('id', request.id));
  const id = String(group['id']);
  const name = checkName(request.name);
  const description = checkDescription(request.description);
  if (name !== group['name']) {
    // The name is what the verification was about (semantics 2, group `verified`).
    if (group['verified'] === 1) throw failedPrecondition('the name of a verified organization cannot be changed');
    if (isRoot(id)) requireUnverifiedName(tx, name);
    else assertNameAvailable(tx, parentOf(id), name);
  }
  tx.run('UPDATE groups SET name = ?, description = ?, updated_at = ? WHERE id = ?', name, description, tx.now, id);
  return toWireGroup(findGroup(tx, id));
}

export function listGroups(tx: Tx, caller: Caller, request: IamGroupFilter, context?: ListContext): IamGroupList {
  return { items: selectVisible(tx, groupSelection(tx, caller, request), context?.part).map(toWireGroup) };
}

export function groupSelection(tx: Tx, caller: Caller, { id, name, uidp }: IamGroupFilter): Selection {
  return { resource, visible: groupsWith(tx, caller, ['groups.list']), id, name, uidp };
}

/**
 * Role bindings, invites, the account association and accepted terms go with the group; anything else below it must be
 * deleted first (semantics 2, group delete).
 */
export function deleteGroup(tx: Tx, _caller: Caller, request: IamDeleteGroupRequest): Empty {
  const id = requiredUidp('id', request.id);
  findGroup(tx, id);
  requireEmpty(tx, id);
  tx.run('DELETE FROM role_bindings WHERE group_id = ?', id);
  tx.run('DELETE FROM groups WHERE id = ?', id);
  return {};
}

/** Throws NOT_FOUND in the same words as `requireCapabilities`. */
export function findGroup(tx: Tx, id: string): Readonly<SqlRow> {
  const row = recallGroup(tx, id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

export interface NewGroup {
  /** Empty for an organization. */
  readonly parent: string;
  readonly name: string;
  readonly description: string;
  readonly verified?: boolean;
  readonly kind?: string;
  readonly status?: string;
}

export function insertGroup(
  tx: Tx,
  group: NewGroup,
  id = newChildId(group.parent, (count) => tx.randomBytes(count)),
): IamGroup {
  tx.run(
    `INSERT INTO groups (id, parent, name, description, verified, kind, status, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    group.parent === '' ? null : group.parent,
    group.name,
    group.description,
    group.verified === true ? 1 : 0,
    group.kind ?? 'ORG_KIND_UNSPECIFIED',
    group.status ?? 'ORG_STATUS_UNSPECIFIED',
    tx.now,
    tx.now,
  );
  return toWireGroup(findGroup(tx, id));
}

export function toWireGroup(row: Readonly<SqlRow>): IamGroup {
  return {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    // Only this module writes the column.
    resourceLimits: JSON.parse(String(row['resource_limits'])) as Record<string, number>,
    verified: row['verified'] === 1,
    kind: String(row['kind']),
    status: String(row['status']),
  };
}

/** For whoever accepts the invite that comes with it. Returns its id. */
export function createOrganizationWithoutOwner(tx: Tx, wanted: string | undefined): string {
  const name = checkName(wanted);
  requireUnverifiedName(tx, name);
  return String(insertOrganization(tx, name, '').id);
}

function insertOrganization(tx: Tx, name: string, description: string): IamGroup {
  return insertGroup(tx, { parent: '', name, description, kind: 'ORG_KIND_CUSTOMER', status: 'ORG_STATUS_READY' });
}

function createOrganization(tx: Tx, caller: Caller, name: string, description: string): IamGroup {
  requireFounder(tx, caller);
  requireUnverifiedName(tx, name);
  const own = tx.get(
    `SELECT 1 FROM groups g JOIN role_bindings b ON b.group_id = g.id
     WHERE b.identity = ? AND g.name = ? AND g.parent IS NULL`,
    caller.identity,
    name,
  );
  if (own !== undefined) throw alreadyExists(`organization ${JSON.stringify(name)} already exists`);
  const group = insertOrganization(tx, name, description);
  bindRole(tx, { group: String(group.id), identity: caller.identity, role: builtInRoleId('owner') });
  return group;
}

/**
 * Throws unless the caller may own an organization: a person with all of their own rights, or an identity without an end
 * that may manage groups where it is, as the pipeline of the Terraform provider is. Roles of the registry create groups for
 * pushes and update none.
 */
function requireFounder(tx: Tx, caller: Caller): void {
  const creator = findIdentity(tx, caller.identity);
  if (creator === undefined) throw permissionDenied('only users and identities can create organizations');
  if (caller.narrowed) throw permissionDenied('a token with narrowed rights cannot create organizations');
  if (isAccount(creator)) return;
  // Nobody would own the organization when it has ended.
  if (creator.expiresAt !== null) throw permissionDenied('an identity that expires cannot create organizations');
  if (groupsWith(tx, caller, ['groups.create', 'groups.update']).length > 0) return;
  throw permissionDenied('an identity needs groups.create and groups.update somewhere to create organizations');
}

/** A verified name is nobody else's; other organizations may share one, or names would tell who else is here. */
function requireUnverifiedName(tx: Tx, name: string): void {
  if (tx.get('SELECT 1 FROM groups WHERE parent IS NULL AND verified = 1 AND name = ?', name) === undefined) return;
  throw alreadyExists(`organization ${JSON.stringify(name)} already exists`);
}

function assertNameAvailable(tx: Tx, parent: string, name: string): void {
  if (tx.get('SELECT 1 FROM groups WHERE parent = ? AND name = ?', parent, name) === undefined) return;
  throw alreadyExists(`group ${JSON.stringify(name)} already exists in ${parent}`);
}

function resolveParent(tx: Tx, caller: Caller, parent: string): string {
  if (isUidp(parent)) return parent;
  const visible = groupsWith(tx, caller, ['groups.list']);
  // The end of an id is looked for only when the text could be one: names are found by an index.
  const ending = /^[0-9a-f]{16}(?:\/[0-9a-f]{16})*$/.test(parent)
    ? tx.all('SELECT id FROM groups WHERE substr(id, -?) = ?', parent.length + 1, `/${parent}`)
    : [];
  const rows = [...tx.all('SELECT id FROM groups WHERE name = ?', parent), ...ending];
  const found = [...new Set(rows.map((row) => String(row['id'])))].sort();
  const [match, ...others] = found.filter((id) => visible.some((place) => isAncestorOrSelf(place, id)));
  if (match === undefined) throw notFound(`group ${JSON.stringify(parent)} not found`);
  if (others.length > 0) {
    throw invalidArgument(`${JSON.stringify(parent)} names several groups: ${[match, ...others].join(', ')}`);
  }
  return match;
}

const contents = [
  ['groups', 'child group'],
  ['repos', 'repository'],
  ['identities', 'identity'],
  ['roles', 'role'],
  ['identity_providers', 'identity provider'],
  ['subscriptions', 'subscription'],
  ['enforce_policies', 'policy'],
  ['enforce_clusters', 'cluster'],
  ['sigstore_authorities', 'certificate authority'],
] as const;

function requireEmpty(tx: Tx, id: string): void {
  const found = contents.flatMap(([table, noun]) => {
    const count = Number(tx.get(`SELECT COUNT(*) AS count FROM ${table} WHERE parent = ?`, id)?.['count']);
    return count === 0 ? [] : [`${count} × ${noun}`];
  });
  if (found.length === 0) return;
  const description = `group ${id} is not empty: ${found.join(', ')}`;
  throw failedPrecondition(description, [
    {
      '@type': 'type.googleapis.com/google.rpc.PreconditionFailure',
      violations: [{ type: 'RESOURCE_NOT_EMPTY', subject: id, description }],
    },
  ]);
}
