import type { Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

/** Asked with every change, for the audit log. */
const names: Memory<string | undefined> = {
  tables: [],
  rows: ['identities'],
  most: 1_000,
  until: (name) => (name === undefined ? 0 : Number.POSITIVE_INFINITY),
};

/**
 * Returns what an identity is called: the address of a user, else its name. Undefined when there is none with this id.
 */
export function calledIdentity(tx: Tx, id: string): string | undefined {
  return tx.recall(names, id, () => {
    const row = tx.get('SELECT name, email FROM identities WHERE id = ?', id);
    return row === undefined ? undefined : String(row['email'] ?? row['name']);
  });
}
