// The last owner of an organization stays. Guarantees: only who can still use the role counts as owner, so an organization
// is not handed to an identity that has expired, belongs to a service of the platform or has been deactivated.

import { isRoot } from '../../api/uidp.ts';
import { failedPrecondition } from '../core/failures.ts';
import type { Tx } from '../store/database.ts';
import { builtInRoleId } from './built-in-roles.ts';

/** Does `change`; throws FAILED_PRECONDITION when it takes the last owner from one of these. Folders need none. */
export function keepAnOwner<T>(tx: Tx, groups: readonly string[], change: () => T): T {
  const owned = groups.filter((group) => isRoot(group) && countOwners(tx, group, 1) > 0);
  const result = change();
  for (const organization of owned) {
    if (countOwners(tx, organization, 1) === 0) {
      throw failedPrecondition(`the last owner of organization ${organization} cannot be removed`);
    }
  }
  return result;
}

/** The organizations that this identity owns. */
export function organizationsOwnedBy(tx: Tx, identity: string): string[] {
  const rows = tx.all(
    "SELECT group_id FROM role_bindings WHERE identity = ? AND +role = ? AND instr(group_id, '/') = 0",
    identity,
    builtInRoleId('owner'),
  );
  return rows.map((row) => String(row['group_id']));
}

/** Returns how many owners there are, or `most` when there are more: nobody asks for more than a few. */
export function countOwners(tx: Tx, organization: string, most: number): number {
  const row = tx.get(
    `SELECT COUNT(*) AS count FROM (
     SELECT 1 FROM role_bindings b JOIN identities i ON i.id = b.identity
     WHERE b.group_id = ?1 AND b.role = ?2 AND i.kind <> 'servicePrincipal'
       AND (i.expires_at IS NULL OR i.expires_at > ?3)
       AND NOT EXISTS (
         SELECT 1 FROM provisioned_users off
         WHERE off.identity = i.id AND off.active = 0 AND substr(off.identity_provider, 1, 40) = ?1)
     LIMIT ?4)`,
    organization,
    builtInRoleId('owner'),
    tx.now,
    most,
  );
  return Number(row?.['count']);
}
