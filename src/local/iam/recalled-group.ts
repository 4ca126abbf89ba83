import type { SqlRow, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

/** Asked before everything that is made in a group, and for every record of the audit log. */
const groups: Memory<Readonly<SqlRow> | undefined> = { tables: ['groups'], most: 1_000 };

/** Returns the row of a group; undefined when there is none. */
export function recallGroup(tx: Tx, id: string): Readonly<SqlRow> | undefined {
  return tx.recall(groups, id, () => tx.get('SELECT * FROM groups WHERE id = ?', id));
}
