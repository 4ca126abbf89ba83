// Rows of manifests. Guarantees: a manifest is stored only with everything it needs in the same repository.

import type { SqlRow, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import type { RegistryProblem } from './registry-error.ts';
import { findRepositoryById, type Repository } from './repositories.ts';
import { blobSize } from './stored-blobs.ts';

/** Returns the repositories that have the manifest, by id. */
export function repositoriesWith(tx: Tx, digest: string): Repository[] {
  return tx
    .all('SELECT repo FROM manifests WHERE digest = ? ORDER BY repo', digest)
    .flatMap((row) => findRepositoryById(tx, String(row['repo'])) ?? []);
}

/** Returns the digests that tags of the repository name, without those of cosign's tags, in ascending order. */
export function taggedDigests(tx: Tx, repository: string): string[] {
  return tx
    .all(
      "SELECT DISTINCT digest FROM tags WHERE repo = ? AND digest <> '' AND name NOT GLOB 'sha256-*' ORDER BY digest",
      repository,
    )
    .map((row) => String(row['digest']));
}

/** Returns when the image or what was attested of it last arrived, in milliseconds since the epoch; 0 for neither. */
export function lastArrival(tx: Tx, repository: Repository, digest: string): number {
  const row = tx.get(
    'SELECT MAX(created_at) AS arrived FROM manifests WHERE repo = ?1 AND (digest = ?2 OR subject = ?2)',
    repository.id,
    digest,
  );
  return Number(row?.['arrived'] ?? 0);
}

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** By tag or by digest. */
export function findManifest(tx: Tx, repository: Repository, reference: string): StoredManifest | undefined {
  return tx.recall(manifests, `${repository.id} ${reference}`, () => readManifest(tx, repository, reference));
}

/** Bytes of a manifest that is remembered; larger ones are rare, and would take much memory together. */
const maxRememberedBytes = 16 * 1024;

const manifests: Memory<StoredManifest | undefined> = {
  tables: ['manifests', 'tags'],
  most: 500,
  until: (found) => ((found?.content.length ?? 0) > maxRememberedBytes ? 0 : Number.POSITIVE_INFINITY),
};

function readManifest(tx: Tx, repository: Repository, reference: string): StoredManifest | undefined {
  const row = reference.includes(':')
    ? tx.get(
        'SELECT digest, media_type, content FROM manifests WHERE repo = ? AND digest = ?',
        repository.id,
        reference,
      )
    : tx.get(
        `SELECT m.digest, m.media_type, m.content FROM tags t
         JOIN manifests m ON m.repo = t.repo AND m.digest = t.digest WHERE t.repo = ? AND t.name = ?`,
        repository.id,
        reference,
      );
  return row === undefined ? undefined : toStoredManifest(row);
}

/**
 * Returns what keeps a manifest out: blobs and manifests it needs and the repository lacks, or whose size it misstates.
 */
export function findProblems(tx: Tx, repository: Repository, manifest: Manifest): RegistryProblem[] {
  const problems: RegistryProblem[] = [];
  const check = (needed: Descriptor, size: number | undefined, what: string): void => {
    if (size === undefined) {
      problems.push({
        code: 'MANIFEST_BLOB_UNKNOWN',
        message: `the ${what} ${needed.digest} is not in the repository`,
        detail: { digest: needed.digest },
      });
    } else if (size !== needed.size) {
      problems.push({
        code: 'MANIFEST_INVALID',
        message: `the ${what} ${needed.digest} has ${size} bytes, not ${needed.size}`,
      });
    }
  };
  for (const needed of manifest.blobs) check(needed, blobSize(tx, repository, needed.digest), 'blob');
  for (const needed of manifest.manifests) check(needed, manifestSize(tx, repository, needed.digest), 'manifest');
  return problems;
}

/** Keeps the bytes. `findProblems` comes first, in the same transaction. */
export function addManifest(
  tx: Tx,
  repository: Repository,
  manifest: Manifest,
  stored: { readonly digest: string; readonly content: Uint8Array; readonly createdAt?: number },
): void {
  tx.run(
    `INSERT INTO manifests (repo, digest, media_type, artifact_type, subject, annotations, content, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (repo, digest) DO NOTHING`,
    repository.id,
    stored.digest,
    manifest.mediaType,
    manifest.artifactType ?? null,
    manifest.subject ?? null,
    JSON.stringify(manifest.annotations),
    stored.content,
    stored.createdAt ?? tx.now,
  );
  for (const { digest } of manifest.blobs) {
    tx.run(
      'INSERT INTO manifest_blobs (repo, manifest, digest) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      repository.id,
      stored.digest,
      digest,
    );
  }
}

/** Its tags have to go before: they would lead nowhere (specification, "Deleting Manifests"). */
export function deleteManifest(tx: Tx, repository: Repository, digest: string): boolean {
  // A push under way may have seen the layers a moment ago and leave them out: they stay as long as those just pushed.
  tx.run(
    `UPDATE repo_blobs SET created_at = ?1
     WHERE repo = ?2 AND digest IN (SELECT digest FROM manifest_blobs WHERE repo = ?2 AND manifest = ?3)`,
    tx.now,
    repository.id,
    digest,
  );
  return tx.run('DELETE FROM manifests WHERE repo = ? AND digest = ?', repository.id, digest) > 0;
}

export interface Referrer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Manifests whose subject is `subject`, by ascending digest after `last`. */
export function* iterateReferrers(
  tx: Tx,
  repository: Repository,
  subject: string,
  filter: { readonly last: string; readonly artifactType: string | undefined },
): Generator<Referrer> {
  const rows = tx.iterate(
    `SELECT digest, media_type, artifact_type, annotations, length(content) AS size FROM manifests
     WHERE repo = ? AND subject = ? AND digest > ? AND (? IS NULL OR artifact_type = ?) ORDER BY digest`,
    repository.id,
    subject,
    filter.last,
    filter.artifactType ?? null,
    filter.artifactType ?? null,
  );
  for (const row of rows) {
    const annotations = JSON.parse(String(row['annotations'])) as Record<string, string>;
    yield {
      mediaType: String(row['media_type']),
      digest: String(row['digest']),
      size: Number(row['size']),
      ...(row['artifact_type'] === null ? {} : { artifactType: String(row['artifact_type']) }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    };
  }
}

/** A manifest that needs the blob; undefined when none does. */
export function manifestWith(tx: Tx, repository: Repository, blob: string): string | undefined {
  const row = tx.get('SELECT manifest FROM manifest_blobs WHERE repo = ? AND digest = ?', repository.id, blob);
  return row === undefined ? undefined : String(row['manifest']);
}

function manifestSize(tx: Tx, repository: Repository, digest: string): number | undefined {
  const row = tx.get(
    'SELECT length(content) AS size FROM manifests WHERE repo = ? AND digest = ?',
    repository.id,
    digest,
  );
  return row === undefined ? undefined : Number(row['size']);
}

function toStoredManifest(row: SqlRow): StoredManifest {
  const content = row['content'];
  if (!(content instanceof Uint8Array)) throw new TypeError('a manifest is stored as bytes');
  return { digest: String(row['digest']), mediaType: String(row['media_type']), content };
}
