// Repositories that are filled from another one (semantics 2, repo sync). Guarantees: what a tag of the source names is
// in the follower whole, with what refers to it, in the transaction that moved the tag; nothing is taken away again.

import type { SqlRow, Tx } from '../store/database.ts';
import { queueBuilds } from './builds/build-queue.ts';
import { isTag } from './reference.ts';
import { pushOwnTag } from './registry-events.ts';
import { findRepositoryById, type Repository } from './repositories.ts';
import { followersOf, sourceOf, usesUniqueTags } from './sources.ts';
import { findTag, moveTag } from './stored-tags.ts';

/** Moves a tag and lets the repositories that follow this one have it too. */
export function publishTag(tx: Tx, repository: Repository, name: string, digest: string): void {
  moveTag(tx, repository, name, digest);
  passOn(tx, repository, name, digest);
}

/** The same for what the platform has built. */
export function publishOwnTag(tx: Tx, repository: Repository, name: string, digest: string): void {
  pushOwnTag(tx, repository, name, digest);
  passOn(tx, repository, name, digest);
}

function passOn(tx: Tx, repository: Repository, name: string, digest: string): void {
  for (const follower of followersOf(tx, repository)) {
    if (follower.customized) queueBuilds(tx, follower.repository.id);
    else copyTag(tx, repository, follower.repository, name, digest);
  }
}

/** Lets followers have a manifest that came without a tag, when it says something about one they have. */
export function publishReferrer(tx: Tx, repository: Repository, digest: string, subject: string): void {
  for (const { repository: follower } of followersOf(tx, repository)) {
    if (hasManifest(tx, follower.id, subject)) copyManifest(tx, repository.id, follower.id, digest);
  }
}

/** Every tag of the source as it is now. Nothing happens without a source, or after the sync has expired. */
export function copyFromSource(tx: Tx, id: string): void {
  const repository = findRepositoryById(tx, id);
  const source = repository && sourceOf(tx, repository);
  if (repository === undefined || source === undefined) return;
  for (const tag of tx.all("SELECT name, digest FROM tags WHERE repo = ? AND digest <> '' ORDER BY name", source.id)) {
    copyTag(tx, source, repository, String(tag['name']), String(tag['digest']));
  }
}

/** Copies a manifest with what it lists, what it needs and what refers to it. The source has all of it. */
export function copyManifest(tx: Tx, from: string, to: string, digest: string): void {
  const known = hasManifest(tx, to, digest);
  if (!known) {
    const row = tx.get('SELECT content FROM manifests WHERE repo = ? AND digest = ?', from, digest);
    if (row === undefined) return;
    for (const child of childrenOf(row['content'])) copyManifest(tx, from, to, child);
    tx.run(
      `INSERT INTO repo_blobs (repo, digest, created_at)
       SELECT ?, digest, ? FROM manifest_blobs WHERE repo = ? AND manifest = ? ON CONFLICT DO NOTHING`,
      to,
      tx.now,
      from,
      digest,
    );
    tx.run(
      `INSERT INTO manifests (repo, digest, media_type, artifact_type, subject, annotations, content, created_at)
       SELECT ?, digest, media_type, artifact_type, subject, annotations, content, ? FROM manifests
       WHERE repo = ? AND digest = ?`,
      to,
      tx.now,
      from,
      digest,
    );
    tx.run(
      'INSERT INTO manifest_blobs (repo, manifest, digest) SELECT ?, manifest, digest FROM manifest_blobs WHERE repo = ? AND manifest = ?',
      to,
      from,
      digest,
    );
  }
  for (const row of tx.all('SELECT digest FROM manifests WHERE repo = ? AND subject = ?', from, digest)) {
    if (!hasManifest(tx, to, String(row['digest']))) copyManifest(tx, from, to, String(row['digest']));
  }
}

/** Digests that an index lists; none for an image. */
export function childrenOf(content: SqlRow[string] | undefined): string[] {
  if (!(content instanceof Uint8Array)) return [];
  // It was parsed when it was pushed.
  const { manifests = [] } = JSON.parse(new TextDecoder().decode(content)) as { manifests?: { digest: string }[] };
  return manifests.map(({ digest }) => digest);
}

function copyTag(tx: Tx, from: Repository, to: Repository, name: string, digest: string): void {
  copyManifest(tx, from.id, to.id, digest);
  pushOwnTag(tx, to, name, digest);
  addUniqueTag(tx, to, name, digest);
}

/**
 * In a repository whose sync asks for unique tags, what a tag names also gets one that ends in the day it was built and
 * never names anything else (Chainguard's documentation of Unique Tags: `20240229`). A second build of one day ends in
 * the time as well. `builtAt` in milliseconds; what the image says of itself when left out.
 */
export function addUniqueTag(tx: Tx, repository: Repository, name: string, digest: string, builtAt?: number): void {
  // Attestations have tags of their own form.
  if (!usesUniqueTags(tx, repository) || name.startsWith('sha256-')) return;
  const time = new Date(builtAt ?? createdAt(tx, repository, digest) ?? tx.now)
    .toISOString()
    .replaceAll(/[-:]|\..*/g, '');
  const stamps = [time.slice(0, 8), time.replace('T', '').slice(0, 12), time.replace('T', '')];
  for (const stamp of stamps) {
    const unique = `${name}-${stamp}`;
    if (!isTag(unique)) return;
    const known = findTag(tx, repository, unique);
    if (known === undefined) pushOwnTag(tx, repository, unique, digest);
    if (known === undefined || known === digest) return;
  }
}

/** Returns when the image says it was made, in milliseconds since the epoch. */
function createdAt(tx: Tx, repository: Repository, digest: string): number | undefined {
  const row = tx.get(
    `SELECT json_extract(annotations, '$."org.opencontainers.image.created"') AS created FROM manifests
     WHERE repo = ? AND digest = ?`,
    repository.id,
    digest,
  );
  const time = Date.parse(String(row?.['created']));
  return Number.isNaN(time) ? undefined : time;
}

function hasManifest(tx: Tx, repo: string, digest: string): boolean {
  return tx.get('SELECT 1 FROM manifests WHERE repo = ? AND digest = ?', repo, digest) !== undefined;
}
