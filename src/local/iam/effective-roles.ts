import { effectiveRolesSql } from '../authorization/access.ts';
import type { SqlRow, Tx } from '../store/database.ts';

/** Returns the roles that an identity holds now, as rows with the group each is held at in `place`, by place. */
export function effectiveRolesOf(tx: Tx, identity: string): SqlRow[] {
  return tx.all(
    `SELECT effective.place, r.* FROM (${effectiveRolesSql}) effective JOIN roles r ON r.id = effective.role
     ORDER BY effective.place, r.id`,
    identity,
    tx.now,
  );
}
