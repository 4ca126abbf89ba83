import type {
  RegistryCreateTagRequest,
  RegistryDeleteTagRequest,
  RegistryGetRepoTagsSummaryRequest,
  RegistryRepoTagsSummary,
  RegistryTag,
  RegistryTagFilter,
  RegistryTagHistoryFilter,
  RegistryTagHistoryList,
  RegistryTagList,
  RegistryUpdateStatus,
  RegistryUpdateStatusRequest,
} from '../../../api/schema/types/registry.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { type ListContext, type Part, requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { alreadyExists, invalidArgument, notFound } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { parseDigest } from '../../store/digest.ts';
import { findRepositoryById, type Repository } from '../repositories.ts';
import { findManifest } from '../stored-manifests.ts';
import { declareTag, noteTagUpdate, tagUpdates } from '../stored-tags.ts';
import { publishTag } from '../sync.ts';
import { type Condition, selectTags } from './registry-selection.ts';
import { checkTagName } from './repo-rules.ts';
import { findRepo } from './repos.ts';

const maxHistoryLength = 1000;
/** Age that counts as recent: a repository somebody pushed to within a day. */
const recentMs = 24 * 60 * 60 * 1000;

/** Everything that matches, at once; what is excluded is off unless asked for (semantics 6, tag lists). */
export function listTags(tx: Tx, caller: Caller, request: RegistryTagFilter, context?: ListContext): RegistryTagList {
  return { items: selectWantedTags(tx, caller, request, context?.part).map(toWireTag) };
}

export function selectWantedTags(tx: Tx, caller: Caller, request: RegistryTagFilter, part?: Part): SqlRow[] {
  const also: Condition[] = [];
  if (request.digest !== undefined && request.digest !== '') also.push(['t.digest = ?', request.digest]);
  const since = timeOf('updated_since', request.updatedSince);
  if (since !== undefined) also.push(['t.updated_at > ?', since]);
  const { id, name, uidp } = request;
  const rows = selectTags(tx, caller, { capability: 'tag.list', id, name, uidp, also }, part);
  return rows.filter((row) => isWanted(String(row['name']), request));
}

/**
 * Without a digest the tag is declared only, as Terraform does it; with one, the manifest must be in the repository.
 */
export function createTag(tx: Tx, _caller: Caller, request: RegistryCreateTagRequest): RegistryTag {
  const repository = requireRepository(tx, requiredUidp('repo_id', request.repoId));
  const tag = request.tag ?? {};
  const name = checkTagName(tag.name);
  requireFreeTag(tx, repository, name);
  if (tag.digest === undefined || tag.digest === '') declareTag(tx, repository, name);
  else publishTag(tx, repository, name, requireManifest(tx, repository, tag.digest));
  return keepAttributes(tx, repository, name, tag);
}

/** Moves it, renames it, or changes what is said of it; all that is left out is cleared but the digest. */
export function updateTag(tx: Tx, _caller: Caller, request: RegistryTag): RegistryTag {
  const before = findTagRow(tx, requiredUidp('id', request.id));
  const repository = requireRepository(tx, String(before['repo']));
  const name = checkTagName(request.name);
  if (name !== before['name']) {
    requireFreeTag(tx, repository, name);
    tx.run('UPDATE tags SET name = ?, updated_at = ? WHERE id = ?', name, tx.now, String(before['id']));
    if (before['digest'] !== '') noteTagUpdate(tx, repository, name, String(before['digest']));
  }
  const digest = request.digest || String(before['digest']);
  if (digest !== '') publishTag(tx, repository, name, requireManifest(tx, repository, digest));
  return keepAttributes(tx, repository, name, request);
}

/** The manifest stays; so does the history. */
export function deleteTag(tx: Tx, _caller: Caller, request: RegistryDeleteTagRequest): Empty {
  const id = requiredUidp('id', request.id);
  findTagRow(tx, id);
  tx.run('DELETE FROM tags WHERE id = ?', id);
  return {};
}

/**
 * Returns what the tag has named, oldest first, as the registry's own history (protocols 7.4); bounds are inclusive.
 */
export function listTagHistory(tx: Tx, _caller: Caller, request: RegistryTagHistoryFilter): RegistryTagHistoryList {
  const tag = findTagRow(tx, requiredUidp('parent_id', request.parentId));
  const bounds = {
    start: timeOf('start', request.start) ?? 0,
    end: timeOf('end', request.end) ?? Number.MAX_SAFE_INTEGER,
  };
  const updates = tagUpdates(tx, { id: String(tag['repo']) }, String(tag['name']), bounds, maxHistoryLength);
  return { items: updates.map(({ digest, updatedAt }) => ({ updateTimestamp: toWireTime(updatedAt), digest })) };
}

export function summarizeTags(
  tx: Tx,
  _caller: Caller,
  request: RegistryGetRepoTagsSummaryRequest,
): RegistryRepoTagsSummary {
  const id = requiredUidp('repo_id', request.repoId);
  findRepo(tx, id);
  const rows = tx
    .all("SELECT * FROM tags WHERE repo = ? AND digest <> '' ORDER BY updated_at DESC, name", id)
    .filter((row) => isWanted(String(row['name']), request));
  const [newest] = rows;
  if (newest === undefined) return { id, tagCount: '0' };
  const latest = rows.find((row) => row['name'] === 'latest') ?? newest;
  const versions = rows
    .filter((row) => row['digest'] === latest['digest'])
    .map((row) => String(row['name']))
    .filter((name) => name !== 'latest' && name !== 'latest-dev')
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return {
    id,
    tagCount: String(rows.length),
    lastUpdated: toWireTime(Number(newest['updated_at'])),
    latestTag: toWireTag(latest),
    latestVersion: versions[0] ?? '',
  };
}

export function getUpdateStatus(tx: Tx, _caller: Caller, request: RegistryUpdateStatusRequest): RegistryUpdateStatus {
  const id = requiredUidp('repo_id', request.repoId);
  findRepo(tx, id);
  const row = tx.get("SELECT MAX(updated_at) AS newest FROM tags WHERE repo = ? AND digest <> ''", id);
  return { recentlyUpdated: Number(row?.['newest'] ?? 0) > tx.now - recentMs };
}

interface Exclusions {
  readonly excludeReferrers?: boolean;
  readonly excludeDates?: boolean;
  readonly excludeEpochs?: boolean;
}

/** The forms are the API's own words: `sha256-*`, `*-20yymmdd`, `*-r[0-9]+` (semantics 6). */
export function isWanted(name: string, exclude: Exclusions): boolean {
  if (exclude.excludeReferrers === true && name.startsWith('sha256-')) return false;
  if (exclude.excludeDates === true && /-20[0-9]{6}$/.test(name)) return false;
  return !(exclude.excludeEpochs === true && /-r[0-9]+$/.test(name));
}

export function toWireTag(row: SqlRow): RegistryTag {
  return {
    id: String(row['id']),
    name: String(row['name']),
    digest: String(row['digest']),
    lastUpdated: toWireTime(Number(row['updated_at'])),
    // Only keepAttributes writes the column.
    ...(JSON.parse(String(row['attributes'])) as Pick<RegistryTag, 'deprecated' | 'bundles'>),
  };
}

/** A repository that the caller may see; the router has looked. */
export function requireRepository(tx: Tx, id: string): Repository {
  const repository = findRepositoryById(tx, id);
  if (repository === undefined) throw notFound(`${id} not found`);
  return repository;
}

/** Milliseconds since the epoch. The codec has checked that it is a time. */
export function timeOf(field: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalidArgument(`${field} is not a time`);
  return time;
}

export function findTagRow(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM tags WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

function requireFreeTag(tx: Tx, repository: Repository, name: string): void {
  if (tx.get('SELECT 1 FROM tags WHERE repo = ? AND name = ?', repository.id, name) === undefined) return;
  throw alreadyExists(`tag ${JSON.stringify(name)} already exists in ${repository.id}`);
}

function requireManifest(tx: Tx, repository: Repository, digest: string | undefined): string {
  if (digest === undefined || parseDigest(digest) === undefined) {
    throw invalidArgument(`digest: ${JSON.stringify(digest ?? '')} is not a digest`);
  }
  if (findManifest(tx, repository, digest) === undefined) {
    throw notFound(`manifest ${digest} not found in ${repository.id}`);
  }
  return digest;
}

function keepAttributes(tx: Tx, repository: Repository, name: string, tag: RegistryTag): RegistryTag {
  const attributes = {
    ...(tag.deprecated === true ? { deprecated: true } : {}),
    ...(tag.bundles === undefined || tag.bundles.length === 0 ? {} : { bundles: tag.bundles }),
  };
  tx.run('UPDATE tags SET attributes = ? WHERE repo = ? AND name = ?', JSON.stringify(attributes), repository.id, name);
  const row = tx.get('SELECT * FROM tags WHERE repo = ? AND name = ?', repository.id, name);
  if (row === undefined) throw new TypeError('the tag has just been written');
  return toWireTag(row);
}
