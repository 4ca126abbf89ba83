// How modules that know places by their names find the groups.

import type { SqlRow, Tx } from '../store/database.ts';

/** Returns `id` and `name` of an organization. Of several of one name, the verified one comes first, then the oldest. */
export function findOrganizationNamed(tx: Tx, name: string): SqlRow | undefined {
  return tx.get(
    'SELECT id, name FROM groups WHERE parent IS NULL AND name = ? ORDER BY verified DESC, created_at, id LIMIT 1',
    name,
  );
}

/** Returns the ids of the folders of that name directly in `parent`, oldest first. */
export function foldersNamed(tx: Tx, parent: string, name: string): string[] {
  const rows = tx.all('SELECT id FROM groups WHERE parent = ? AND name = ? ORDER BY created_at, id', parent, name);
  return rows.map((row) => String(row['id']));
}

/** Returns the ids of all groups of that name. */
export function groupsNamed(tx: Tx, name: string): string[] {
  return tx.all('SELECT id FROM groups WHERE name = ?', name).map((row) => String(row['id']));
}

/** Returns the name of a group; undefined when there is none of this id. */
export function groupName(tx: Tx, id: string): string | undefined {
  const row = tx.get('SELECT name FROM groups WHERE id = ?', id);
  return row === undefined ? undefined : String(row['name']);
}

/** Returns id and path of the organizations and all their folders; a path is the names from the organization down. */
export function groupPathsIn(tx: Tx, organizations: readonly string[]): [id: string, path: string][] {
  const rows = tx.all(
    `WITH RECURSIVE places (id, path) AS (
       SELECT id, name FROM groups WHERE parent IS NULL AND id IN (SELECT value FROM json_each(?))
       UNION ALL
       SELECT g.id, p.path || '/' || g.name FROM groups g JOIN places p ON g.parent = p.id)
     SELECT id, path FROM places`,
    JSON.stringify(organizations),
  );
  return rows.map((row) => [String(row['id']), String(row['path'])]);
}
