// Builds of customized images, waiting and done. Guarantees: a repository with an overlay has, for each image its tags
// should be made from, one waiting build or one that is done with the overlay as it is now.

import { newChildId } from '../../../api/uidp.ts';
import type { Tx } from '../../store/database.ts';
import { pushOwnTag } from '../registry-events.ts';
import { findRepositoryById, type Repository } from '../repositories.ts';
import { sourceOf } from '../sources.ts';

/** One image to build: what it starts from and which tags will name the result. */
export interface Base {
  readonly digest: string;
  readonly tags: readonly string[];
}

/** Queues a build for every image of the repository. Builds that are still waiting are of an older overlay and go. */
export function queueBuilds(tx: Tx, id: string): void {
  const repository = findRepositoryById(tx, id);
  if (repository === undefined) return;
  const attributes = tx.get('SELECT attributes FROM repos WHERE id = ?', id)?.['attributes'];
  const { customOverlay } = JSON.parse(String(attributes)) as { customOverlay?: unknown };
  if (customOverlay === undefined) return;
  const overlay = JSON.stringify(customOverlay);
  tx.run('DELETE FROM builds WHERE repo = ? AND started_at IS NULL', id);
  for (const base of basesOf(tx, repository)) {
    const tags = JSON.stringify(base.tags);
    const done = tx.get(
      `SELECT 1 FROM builds b WHERE b.repo = ? AND b.base = ? AND b.tags = ? AND b.overlay = ? AND b.result = 'Success'
         AND EXISTS (SELECT 1 FROM tags t WHERE t.repo = b.repo AND t.digest = b.digest)`,
      id,
      base.digest,
      tags,
      overlay,
    );
    if (done !== undefined) continue;
    tx.run(
      'INSERT INTO builds (id, repo, base, tags, overlay, queued_at) VALUES (?, ?, ?, ?, ?, ?)',
      newChildId(id, (count) => tx.randomBytes(count)),
      id,
      base.digest,
      tags,
      overlay,
      tx.now,
    );
  }
}

/** Points the tags of built images back at what they were built from, in a repository without a source. */
export function undoBuilds(tx: Tx, id: string): void {
  const repository = findRepositoryById(tx, id);
  if (repository === undefined) return;
  tx.run('DELETE FROM builds WHERE repo = ? AND started_at IS NULL', id);
  if (sourceOf(tx, repository) !== undefined) return;
  for (const base of basesOf(tx, repository)) {
    for (const tag of base.tags) pushOwnTag(tx, repository, tag, base.digest);
  }
}

/** The images that the tags of the repository stand for before they are customized, by digest. */
function basesOf(tx: Tx, repository: Repository): Base[] {
  const source = sourceOf(tx, repository);
  const rows = tx.all(
    `SELECT t.name, COALESCE((SELECT b.base FROM builds b WHERE b.repo = t.repo AND b.digest = t.digest LIMIT 1), t.digest)
       AS digest
     FROM tags t WHERE t.repo = ? AND t.digest <> '' AND t.name NOT GLOB 'sha256-*' ORDER BY t.name`,
    source?.id ?? repository.id,
  );
  const bases = new Map<string, string[]>();
  for (const row of rows) {
    const digest = String(row['digest']);
    bases.set(digest, [...(bases.get(digest) ?? []), String(row['name'])]);
  }
  return [...bases].map(([digest, tags]) => ({ digest, tags }));
}
