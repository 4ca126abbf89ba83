import type { Tx } from '../store/database.ts';

/** Links a provisioned user with the account that has signed in as it. */
export function linkUser(tx: Tx, user: string, identity: string): void {
  tx.run('UPDATE scim_users SET identity = ? WHERE id = ?', identity, user);
}
