// Rows of repositories, blobs, manifests and tags. Guarantees: a manifest is stored only with everything it needs in the
// same repository, and a tag moves together with its history.

import { ancestry, newChildId } from '../../api/uidp.ts';
import { findOrganizationNamed, foldersNamed, groupName, groupPathsIn } from '../iam/group-names.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import type { RegistryProblem } from './registry-error.ts';

export interface Organization {
  readonly id: string;
  readonly name: string;
}

export interface Repository {
  /** UIDP. */
  readonly id: string;
  readonly organization: Organization;
  /** Its own, without the organization and folders it lies in. */
  readonly name: string;
  /** As clients name it: organization, folders, name. */
  readonly path: string;
  readonly public: boolean;
}

/** Names of unverified organizations are not unique: a verified one comes first, then the oldest. */
export function findOrganization(tx: Tx, name: string): Organization | undefined {
  return tx.recall(organizations, name, () => readOrganization(tx, name));
}

// Every pull asks for these.
const organizations: Memory<Organization | undefined> = { tables: ['groups'], most: 1_000 };
const repositories: Memory<Repository | undefined> = { tables: ['groups', 'repos'], most: 1_000 };

function readOrganization(tx: Tx, name: string): Organization | undefined {
  const row = findOrganizationNamed(tx, name);
  return row === undefined ? undefined : { id: String(row['id']), name: String(row['name']) };
}

/** The repository of that name directly in the organization or folder. */
export function findRepository(tx: Tx, organization: Organization, name: string): Repository | undefined {
  return findIn(tx, organization, { id: organization.id, path: organization.name }, name);
}

/**
 * * Returns where a client's name leads. No public source says how repositories in folders are named for pulls; here
 * their path is the folders' names and their own, and a repository directly in the organization wins where both are
 * meant.
 */
export function findRepositoryAt(tx: Tx, organization: Organization, path: string): Repository | undefined {
  return tx.recall(repositories, `${organization.id} ${path}`, () =>
    descend(tx, organization, { id: organization.id, path: organization.name }, path),
  );
}

function descend(tx: Tx, organization: Organization, place: ParentPlace, path: string): Repository | undefined {
  const found = findIn(tx, organization, place, path);
  const slash = path.indexOf('/');
  if (found !== undefined || slash < 0) return found;
  const name = path.slice(0, slash);
  for (const id of foldersNamed(tx, place.id, name)) {
    const folder = { id, path: `${place.path}/${name}` };
    const inside = descend(tx, organization, folder, path.slice(slash + 1));
    if (inside !== undefined) return inside;
  }
  return undefined;
}

interface ParentPlace {
  readonly id: string;
  readonly path: string;
}

function findIn(tx: Tx, organization: Organization, place: ParentPlace, name: string): Repository | undefined {
  const row = tx.get('SELECT id, public FROM repos WHERE parent = ? AND name = ?', place.id, name);
  if (row === undefined) return undefined;
  return { id: String(row['id']), organization, name, path: `${place.path}/${name}`, public: row['public'] === 1 };
}

export function findRepositoryById(tx: Tx, id: string): Repository | undefined {
  const row = tx.get('SELECT parent, name, public FROM repos WHERE id = ?', id);
  if (row === undefined) return undefined;
  // From the organization down to where it lies.
  const groups = ancestry(String(row['parent']))
    .reverse()
    .map((place) => ({ id: place, name: groupName(tx, place) }))
    .filter((group) => group.name !== undefined);
  const [root] = groups;
  if (root === undefined) return undefined;
  const name = String(row['name']);
  const organization = { id: root.id, name: String(root.name) };
  const path = [...groups.map((group) => String(group.name)), name].join('/');
  return { id, organization, name, path, public: row['public'] === 1 };
}

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

export interface NewRepository {
  readonly public?: boolean;
  /** Wire JSON of what the API shows besides id and name. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch; now when left out. */
  readonly createdAt?: number;
}

export function createRepository(
  tx: Tx,
  organization: Organization,
  name: string,
  options: NewRepository = {},
): Repository {
  const id = newChildId(organization.id, (count) => tx.randomBytes(count));
  const createdAt = options.createdAt ?? tx.now;
  tx.run(
    'INSERT INTO repos (id, parent, name, public, attributes, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    organization.id,
    name,
    options.public === true ? 1 : 0,
    JSON.stringify(options.attributes ?? {}),
    createdAt,
    createdAt,
  );
  return { id, organization, name, path: `${organization.name}/${name}`, public: options.public === true };
}

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

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether there is something after the last item. */
  readonly more: boolean;
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

/** Path names of the repositories in these organizations and their folders, after `last` in ASCII order. */
export function listRepositoryNames(
  tx: Tx,
  organizations: readonly string[],
  last: string,
  limit: number,
): Page<string> {
  // Names of groups may hold what no client can write.
  const paths = groupPathsIn(tx, organizations).filter(([, path]) => /^[a-z0-9._/-]*$/.test(path));
  const rows = tx.all(
    `SELECT p.value || '/' || r.name AS name FROM json_each(?) p JOIN repos r ON r.parent = p.key
     WHERE p.value || '/' || r.name > ? ORDER BY 1 LIMIT ?`,
    JSON.stringify(Object.fromEntries(paths)),
    last,
    limit + 1,
  );
  return { items: rows.slice(0, limit).map((row) => String(row['name'])), more: rows.length > limit };
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
