import type { SqlRow, Tx } from '../store/database.ts';
import { findRepositoryById, type Repository } from './repositories.ts';

export interface Follower {
  readonly repository: Repository;
  /** Whether its images are built from the source's with an overlay instead of being the same. */
  readonly customised: boolean;
}

/** The repository this one is filled from, while that lasts. */
export function sourceOf(tx: Tx, repository: Repository): Repository | undefined {
  const row = tx.get('SELECT attributes FROM repos WHERE id = ?', repository.id);
  const { source, expiration } = syncConfigOf(row);
  if (source === undefined || (expiration !== undefined && Date.parse(expiration) <= tx.now)) return undefined;
  return findRepositoryById(tx, source);
}

/** The repositories that are filled from this one now. */
export function followersOf(tx: Tx, source: Repository): Follower[] {
  const rows = tx.all(
    "SELECT id, attributes FROM repos WHERE json_extract(attributes, '$.sync_config.source') = ? ORDER BY id",
    source.id,
  );
  return rows.flatMap((row) => {
    const repository = findRepositoryById(tx, String(row['id']));
    if (repository === undefined || sourceOf(tx, repository) === undefined) return [];
    const { customOverlay } = JSON.parse(String(row['attributes'])) as { customOverlay?: unknown };
    return [{ repository, customised: customOverlay !== undefined }];
  });
}

function syncConfigOf(row: SqlRow | undefined): { source?: string; expiration?: string } {
  if (row === undefined) return {};
  const { sync_config = {} } = JSON.parse(String(row['attributes'])) as {
    sync_config?: { source?: string; expiration?: string };
  };
  return sync_config;
}
