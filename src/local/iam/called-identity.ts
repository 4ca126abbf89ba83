import type { Tx } from '../store/database.ts';

/**
 * Returns what an identity is called: the address of a user, else its name. Undefined when there is none with this id.
 */
export function calledIdentity(tx: Tx, id: string): string | undefined {
  const row = tx.get('SELECT name, email FROM identities WHERE id = ?', id);
  return row === undefined ? undefined : String(row['email'] ?? row['name']);
}
