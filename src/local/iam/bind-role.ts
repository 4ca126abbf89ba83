import type { IamRoleBinding } from '../../api/schema/types/iam.gen.ts';
import { newChildId } from '../../api/uidp.ts';
import type { SqlRow, Tx } from '../store/database.ts';

export interface NewRoleBinding {
  readonly group: string;
  readonly identity: string;
  readonly role: string;
}

/** Writes the binding; whether the caller may make it is for the caller of this function to have checked. */
export function bindRole(tx: Tx, binding: NewRoleBinding): IamRoleBinding {
  const id = newChildId(binding.group, (count) => tx.randomBytes(count));
  tx.run(
    'INSERT INTO role_bindings (id, group_id, identity, role, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
    id,
    binding.group,
    binding.identity,
    binding.role,
    tx.now,
    tx.now,
  );
  return { id, identity: binding.identity, role: binding.role };
}

/** Returns the id of the binding that gives the identity this role at this group; undefined without one. */
export function findBoundRole(tx: Tx, { group, identity, role }: NewRoleBinding): string | undefined {
  // An identity holds few roles. Left to itself SQLite goes through everybody who holds this one, which a `+` keeps it from.
  const row = tx.get(
    'SELECT id FROM role_bindings WHERE identity = ? AND +group_id = ? AND +role = ?',
    identity,
    group,
    role,
  );
  return row === undefined ? undefined : String(row['id']);
}

/** Takes away every role that the identity is bound to in the organization and its folders. */
export function unbindRoles(tx: Tx, identity: string, organization: string): void {
  tx.run(
    'DELETE FROM role_bindings WHERE identity = ? AND (group_id = ? OR substr(group_id, 1, 41) = ?)',
    identity,
    organization,
    `${organization}/`,
  );
}

/** Returns names of `role` and `place` of the identity's bindings, those of organizations first. */
export function topmostRolesOf(tx: Tx, identity: string, limit: number): SqlRow[] {
  return tx.all(
    `SELECT r.name AS role, g.name AS place FROM role_bindings b JOIN roles r ON r.id = b.role
     JOIN groups g ON g.id = b.group_id WHERE b.identity = ? ORDER BY length(g.id), g.name, r.name LIMIT ?`,
    identity,
    limit,
  );
}
