// Handing a role to somebody: by a binding, an invite, a provider's default role or a group mapping. Guarantees: only
// roles that apply at the place, and nobody grants more than it holds there itself.

import { isAncestorOrSelf } from '../../api/uidp.ts';
import { type Authority, authorityOf } from '../authorization/access.ts';
import { notFound, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { capabilitiesOf } from './roles.ts';

/** The row of a role that the caller may grant at `group`. Throws NOT_FOUND or PERMISSION_DENIED. */
export function requireGrantableRole(
  tx: Tx,
  caller: Caller,
  group: string,
  id: string,
  authority: Authority = authorityOf(tx, caller),
): SqlRow {
  const role = findApplicableRole(tx, group, id);
  if (role === undefined) throw notFound(`role ${id} not found`);
  const held = authority(group);
  const beyond = capabilitiesOf(role).filter((capability) => !held.has(capability));
  if (beyond.length === 0) return role;
  throw permissionDenied(
    `role ${JSON.stringify(role['name'])} holds more than the caller does here; missing: ${beyond.join(', ')}`,
  );
}

/** Roles apply where they are made and below; built-in ones everywhere. */
export function findApplicableRole(tx: Tx, group: string, id: string): SqlRow | undefined {
  const row = tx.get('SELECT * FROM roles WHERE id = ?', id);
  if (row === undefined) return undefined;
  return row['parent'] === null || isAncestorOrSelf(String(row['parent']), group) ? row : undefined;
}
