import { failedPrecondition } from '../failures.ts';
import type { Tx } from '../store/database.ts';
import { builtInRoleId } from './built-in-roles.ts';

/** Does `change`; throws FAILED_PRECONDITION when it takes the last owner from one of these organizations. */
export function keepAnOwner<T>(tx: Tx, organizations: readonly string[], change: () => T): T {
  const owned = organizations.filter((organization) => hasOwner(tx, organization));
  const result = change();
  for (const organization of owned) {
    if (!hasOwner(tx, organization)) {
      throw failedPrecondition(`the last owner of organization ${organization} cannot be removed`);
    }
  }
  return result;
}

/** The organizations that this identity owns. */
export function organizationsOwnedBy(tx: Tx, identity: string): string[] {
  const rows = tx.all(
    "SELECT group_id FROM role_bindings WHERE identity = ? AND role = ? AND instr(group_id, '/') = 0",
    identity,
    builtInRoleId('owner'),
  );
  return rows.map((row) => String(row['group_id']));
}

function hasOwner(tx: Tx, organization: string): boolean {
  const owner = builtInRoleId('owner');
  return (
    tx.get('SELECT 1 FROM role_bindings WHERE group_id = ? AND role = ? LIMIT 1', organization, owner) !== undefined
  );
}
