// Rows of tags. Guarantees: a tag moves together with its history.

import { newChildId } from '../../api/uidp.ts';
import type { Tx } from '../store/database.ts';
import type { Page, Repository } from './repositories.ts';

/** The digest a tag names now; undefined also for a tag that is only declared. */
export function findTag(tx: Tx, repository: Repository, name: string): string | undefined {
  const row = tx.get("SELECT digest FROM tags WHERE repo = ? AND name = ? AND digest <> ''", repository.id, name);
  return row === undefined ? undefined : String(row['digest']);
}

/** Makes a tag that names nothing until somebody pushes it: the API knows it, the registry does not. */
export function declareTag(tx: Tx, repository: Repository, name: string): void {
  insertTag(tx, repository, name, '', tx.now);
}

function insertTag(tx: Tx, repository: Repository, name: string, digest: string, at: number): void {
  tx.run(
    'INSERT INTO tags (id, repo, name, digest, updated_at) VALUES (?, ?, ?, ?, ?)',
    newChildId(repository.id, (count) => tx.randomBytes(count)),
    repository.id,
    name,
    digest,
    at,
  );
}

/** Points a tag at a stored manifest. Pushing what it already names is no update and leaves no trace. */
export function moveTag(tx: Tx, repository: Repository, name: string, digest: string, at = tx.now): void {
  if (findTag(tx, repository, name) === digest) return;
  const known = tx.run(
    'UPDATE tags SET digest = ?, updated_at = ? WHERE repo = ? AND name = ?',
    digest,
    at,
    repository.id,
    name,
  );
  if (known === 0) insertTag(tx, repository, name, digest, at);
  noteTagUpdate(tx, repository, name, digest, at);
}

/** Adds to the history of a tag what it names from `at` on, in milliseconds since the epoch. */
export function noteTagUpdate(tx: Tx, { id }: Repository, name: string, digest: string, at = tx.now): void {
  tx.run('INSERT INTO tag_history (repo, name, digest, updated_at) VALUES (?, ?, ?, ?)', id, name, digest, at);
}

/** The tag of a name, or all that name a digest. Their history stays. Gives their UIDPs. */
export function deleteTags(
  tx: Tx,
  repository: Repository,
  which: { readonly name: string } | { readonly digest: string },
): string[] {
  const [column, value] = 'name' in which ? ['name', which.name] : ['digest', which.digest];
  return tx
    .all(`DELETE FROM tags WHERE repo = ? AND ${column} = ? RETURNING id`, repository.id, value)
    .map((row) => String(row['id']));
}

/** Tag names after `last` in ASCII order. */
export function listTags(tx: Tx, repository: Repository, last: string, limit: number): Page<string> {
  const rows = tx.all(
    "SELECT name FROM tags WHERE repo = ? AND name > ? AND digest <> '' ORDER BY name LIMIT ?",
    repository.id,
    last,
    limit + 1,
  );
  return { items: rows.slice(0, limit).map((row) => String(row['name'])), more: rows.length > limit };
}

export interface TagUpdate {
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
}

/** Returns what a tag has named, oldest first; bounds inclusive, in milliseconds. */
export function tagUpdates(
  tx: Tx,
  repository: Pick<Repository, 'id'>,
  name: string,
  bounds: { readonly start: number; readonly end: number },
  limit: number,
): TagUpdate[] {
  const rows = tx.all(
    `SELECT digest, updated_at FROM tag_history
     WHERE repo = ? AND name = ? AND updated_at >= ? AND updated_at <= ? ORDER BY updated_at, seq LIMIT ?`,
    repository.id,
    name,
    bounds.start,
    bounds.end,
    limit,
  );
  return rows.map((row) => ({ digest: String(row['digest']), updatedAt: Number(row['updated_at']) }));
}
