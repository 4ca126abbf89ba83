// Rows of blobs. Guarantees: a blob is read only through a repository that has it.

import type { Tx } from '../store/database.ts';
import { findRepositoryById, type Repository } from './repositories.ts';

/** Size of a blob of this repository; undefined when it has none such. */
export function blobSize(tx: Tx, repository: Repository, digest: string): number | undefined {
  const row = tx.get(
    'SELECT b.size FROM repo_blobs r JOIN blobs b ON b.digest = r.digest WHERE r.repo = ? AND r.digest = ?',
    repository.id,
    digest,
  );
  return row === undefined ? undefined : Number(row['size']);
}

/** Paths of repositories that have a blob, those with it for longest first. */
export function pathsWithBlob(tx: Tx, digest: string, limit: number): string[] {
  return tx
    .all('SELECT repo FROM repo_blobs WHERE digest = ? ORDER BY created_at, repo LIMIT ?', digest, limit)
    .flatMap(({ repo }) => findRepositoryById(tx, String(repo))?.path ?? []);
}

/** Says that a blob's file is whole and belongs to the repository. Only after the file is on disk. */
export function addBlob(tx: Tx, repository: Repository, digest: string, size: number): void {
  tx.run(
    'INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING',
    digest,
    size,
    tx.now,
  );
  linkBlob(tx, repository, digest);
}

/** Gives the repository a blob the store already has. */
export function linkBlob(tx: Tx, repository: Repository, digest: string): void {
  tx.run(
    // The time is what keeps a blob until the manifest that needs it arrives, so each push counts.
    `INSERT INTO repo_blobs (repo, digest, created_at) VALUES (?, ?, ?)
     ON CONFLICT (repo, digest) DO UPDATE SET created_at = excluded.created_at`,
    repository.id,
    digest,
    tx.now,
  );
}

/** Its file stays until garbage is collected; nothing serves it. */
export function unlinkBlob(tx: Tx, repository: Repository, digest: string): void {
  tx.run('DELETE FROM repo_blobs WHERE repo = ? AND digest = ?', repository.id, digest);
}
