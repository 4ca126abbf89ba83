import type {
  RegistryCreateRepoRequest,
  RegistryDeleteRepoRequest,
  RegistryGetRepoCountBySourceRequest,
  RegistryRepo,
  RegistryRepoCount,
  RegistryRepoFilter,
  RegistryRepoList,
} from '../../../api/schema/types/registry.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { type ListContext, requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { hasCapabilities, requireCapabilities } from '../../authorization/access.ts';
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import { findGroup } from '../../iam/groups.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { queueBuilds, undoBuilds } from '../builds/build-queue.ts';
import { isName } from '../reference.ts';
import { createRepository } from '../repositories.ts';
import { copyFromSource } from '../sync.ts';
import { selectRepos } from './registry-selection.ts';
import { checkRepoAttributes, type RepoAttributes } from './repo-rules.ts';
import { resolveSource } from './repo-sources.ts';

const namePattern = '^[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*$';

/** Updates the repository of that name when there is one, unless `prevent_existing` (semantics 2, repo v1 create). */
export function createRepo(tx: Tx, caller: Caller, request: RegistryCreateRepoRequest): RegistryRepo {
  const parent = requiredUidp('parent_id', request.parentId);
  const group = findGroup(tx, parent);
  const repo = request.repo ?? {};
  const name = checkRepoName(repo.name, String(group['name']));
  const attributes = ownAttributes(tx, withSource(tx, caller, checkRepoAttributes(repo)));
  const existing = tx.get('SELECT * FROM repos WHERE parent = ? AND name = ?', parent, name);
  if (existing !== undefined) {
    if (request.preventExisting === true) {
      throw alreadyExists(`repository ${JSON.stringify(name)} already exists in ${parent}`);
    }
    requireCapabilities(tx, caller, ['repo.update'], String(existing['id']));
    return write(tx, caller, existing, name, attributes);
  }
  checkSource(tx, caller, attributes);
  const { id } = createRepository(tx, { id: parent, name: String(group['name']) }, name, { attributes });
  follow(tx, id, {}, attributes);
  return toWireRepo(tx, findRepo(tx, id));
}

/** A full replacement: what is left out is cleared (semantics 5, PUT). */
export function updateRepo(tx: Tx, caller: Caller, request: RegistryRepo): RegistryRepo {
  const before = findRepo(tx, requiredUidp('id', request.id));
  const parent = String(before['parent']);
  const name = checkRepoName(request.name, String(findGroup(tx, parent)['name']));
  const attributes = ownAttributes(tx, withSource(tx, caller, checkRepoAttributes(request)));
  const namesake = tx.get('SELECT id FROM repos WHERE parent = ? AND name = ?', parent, name);
  if (namesake !== undefined && namesake['id'] !== before['id']) {
    throw alreadyExists(`repository ${JSON.stringify(name)} already exists in ${parent}`);
  }
  return write(tx, caller, before, name, attributes);
}

export function listRepos(
  tx: Tx,
  caller: Caller,
  request: RegistryRepoFilter,
  context?: ListContext,
): RegistryRepoList {
  const { id, name, uidp } = request;
  const rows = selectRepos(tx, caller, { capability: 'repo.list', id, name, uidp }, context?.part);
  return { items: rows.map((row) => toWireRepo(tx, row)) };
}

/** Its tags, manifests and uploads go with it; blobs that nobody else has are collected later. */
export function deleteRepo(tx: Tx, _caller: Caller, request: RegistryDeleteRepoRequest): Empty {
  const id = requiredUidp('id', request.id);
  findRepo(tx, id);
  tx.run('DELETE FROM repos WHERE id = ?', id);
  return {};
}

/** Returns how many repositories, anybody's, are filled from this one. */
export function countReposBySource(
  tx: Tx,
  _caller: Caller,
  request: RegistryGetRepoCountBySourceRequest,
): RegistryRepoCount {
  const id = requiredUidp('id', request.id);
  findRepo(tx, id);
  const row = tx.get(
    "SELECT COUNT(*) AS count FROM repos WHERE json_extract(attributes, '$.sync_config.source') = ?",
    id,
  );
  return { count: String(row?.['count'] ?? 0) };
}

/** Throws NOT_FOUND in the same words as `requireCapabilities`. */
export function findRepo(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM repos WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

export function attributesOf(row: SqlRow): RepoAttributes {
  // Only checked attributes are ever written.
  return JSON.parse(String(row['attributes'])) as RepoAttributes;
}

export function toWireRepo(tx: Tx, row: SqlRow): RegistryRepo {
  const attributes = attributesOf(row);
  return {
    id: String(row['id']),
    name: String(row['name']),
    ...attributesOfSource(tx, attributes),
    ...attributes,
    createTime: toWireTime(Number(row['created_at'])),
  };
}

/** Returns what a repository that is filled from another has from there as long as it has nothing of its own. */
function attributesOfSource(tx: Tx, { sync_config: sync }: RepoAttributes): RepoAttributes {
  const row = sync?.source === undefined ? undefined : tx.get('SELECT attributes FROM repos WHERE id = ?', sync.source);
  if (row === undefined) return {};
  const { catalogTier, bundles, aliases, activeTags } = attributesOf(row);
  return {
    ...(catalogTier === undefined ? {} : { catalogTier }),
    ...(bundles === undefined ? {} : { bundles }),
    ...(aliases === undefined ? {} : { aliases }),
    ...(activeTags === undefined ? {} : { activeTags }),
  };
}

/** A source may be named in several ways; what is kept and answered is its UIDP. */
function withSource(tx: Tx, caller: Caller, attributes: RepoAttributes): RepoAttributes {
  const { sync_config: sync } = attributes;
  if (sync?.source === undefined) return attributes;
  return { ...attributes, sync_config: { ...sync, source: resolveSource(tx, caller, sync.source) } };
}

/**
 * Without what it has from its source: whoever reads a repository and writes it back would keep that as it was then.
 * Only the source knows which tags are active.
 */
function ownAttributes(tx: Tx, attributes: RepoAttributes): RepoAttributes {
  const shared = Object.entries(attributesOfSource(tx, attributes));
  const own = { ...attributes };
  for (const [key, value] of shared) {
    const name = key as keyof RepoAttributes;
    if (name === 'activeTags' || JSON.stringify(own[name]) === JSON.stringify(value)) delete own[name];
  }
  return own;
}

function write(tx: Tx, caller: Caller, before: SqlRow, name: string, attributes: RepoAttributes): RegistryRepo {
  const id = String(before['id']);
  if (attributes.sync_config?.source !== attributesOf(before).sync_config?.source) {
    checkSource(tx, caller, attributes, id);
  }
  tx.run(
    'UPDATE repos SET name = ?, attributes = ?, updated_at = ? WHERE id = ?',
    name,
    JSON.stringify(attributes),
    tx.now,
    id,
  );
  follow(tx, id, attributesOf(before), attributes);
  return toWireRepo(tx, findRepo(tx, id));
}

/** Updates the images of a repository whose source or overlay changed. */
function follow(tx: Tx, id: string, before: RepoAttributes, after: RepoAttributes): void {
  const source = after.sync_config?.source;
  const isNewSource = source !== before.sync_config?.source;
  const isNewOverlay = JSON.stringify(after.customOverlay) !== JSON.stringify(before.customOverlay);
  // Whoever asks for unique tags has them for what is there already, too.
  const isNowUnique = after.sync_config?.uniqueTags === true && before.sync_config?.uniqueTags !== true;
  if (!isNewSource && !isNewOverlay && !isNowUnique) return;
  if (after.customOverlay !== undefined) queueBuilds(tx, id);
  else {
    if (isNewOverlay) undoBuilds(tx, id);
    if (source !== undefined) copyFromSource(tx, id);
  }
}

/** The source must be there for the caller, and must not lead back to where it starts. */
function checkSource(tx: Tx, caller: Caller, attributes: RepoAttributes, own?: string): void {
  const source = attributes.sync_config?.source;
  if (source === undefined) return;
  if (source === own) throw invalidArgument('sync_config.source: a repository cannot be its own source');
  const row = tx.get('SELECT * FROM repos WHERE id = ?', source);
  if (row === undefined || !isVisible(tx, caller, row)) throw notFound(`sync_config.source: ${source} not found`);
  if (attributesOf(row).sync_config?.source !== undefined) {
    throw failedPrecondition('sync_config.source: a repository that is synced itself cannot be a source');
  }
}

export function isVisible(tx: Tx, caller: Caller, row: SqlRow): boolean {
  return row['public'] === 1 || hasCapabilities(tx, caller, ['repo.list'], String(row['id']));
}

/** Longer names, or others, could not be pulled. */
function checkRepoName(name: string | undefined, organization: string): string {
  if (name === undefined || name === '' || !isName(name)) {
    throw invalidArgument(`name must match ${JSON.stringify(namePattern)}`);
  }
  if (!isName(`${organization}/${name}`) && isName(organization)) {
    throw invalidArgument('name is too long to be pulled');
  }
  return name;
}
