import { rootOf } from '../../api/uidp.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { findRepositoryById, type Repository } from './repositories.ts';

export interface Follower {
  readonly repository: Repository;
  /** When true, its images are built from the source's with an overlay; otherwise they are the same. */
  readonly customized: boolean;
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
    return [{ repository, customized: customOverlay !== undefined }];
  });
}

/** Returns whether each build shall have a tag of its own here; only for what is filled from elsewhere. */
export function usesUniqueTags(tx: Tx, repository: Repository): boolean {
  const { uniqueTags } = syncConfigOf(tx.get('SELECT attributes FROM repos WHERE id = ?', repository.id));
  const isWanted = uniqueTags === true || registryDefaults(tx, rootOf(repository.id)).uniqueTags;
  return isWanted && sourceOf(tx, repository) !== undefined;
}

/** Returns whether tags whose version has ended go on for a while. */
export function hasGracePeriod(tx: Tx, repo: string): boolean {
  const { gracePeriod } = syncConfigOf(tx.get('SELECT attributes FROM repos WHERE id = ?', repo));
  return gracePeriod === true || registryDefaults(tx, rootOf(repo)).gracePeriod;
}

export interface RegistryDefaults {
  readonly uniqueTags: boolean;
  readonly gracePeriod: boolean;
}

/** Returns what holds for all repositories of an organization; nothing does until somebody says so. */
export function registryDefaults(tx: Tx, organization: string): RegistryDefaults {
  const row = tx.get('SELECT * FROM registry_settings WHERE registry = ?', organization);
  return { uniqueTags: row?.['unique_tags'] === 1, gracePeriod: row?.['eol_grace_period'] === 1 };
}

interface SyncConfig {
  readonly source?: string;
  readonly expiration?: string;
  readonly uniqueTags?: boolean;
  readonly gracePeriod?: boolean;
}

function syncConfigOf(row: SqlRow | undefined): SyncConfig {
  if (row === undefined) return {};
  const { sync_config = {} } = JSON.parse(String(row['attributes'])) as { sync_config?: SyncConfig };
  return sync_config;
}
