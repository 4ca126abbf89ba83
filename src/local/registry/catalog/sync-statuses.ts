import type {
  RegistryGetSyncStatusRequest,
  RegistryListSyncStatusesRequest,
  RegistrySyncStatus,
  RegistrySyncStatusList,
} from '../../../api/schema/types/registry.gen.ts';
import { requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import type { Caller } from '../../core/types.ts';
import { findGroup } from '../../iam/groups.ts';
import type { Tx } from '../../store/database.ts';
import { findRepo } from './repos.ts';

/** Returns how far a repository is behind what it is filled from. */
export function getSyncStatus(tx: Tx, _caller: Caller, request: RegistryGetSyncStatusRequest): RegistrySyncStatus {
  const id = requiredUidp('repo_id', request.repoId);
  findRepo(tx, id);
  return statusOf(tx, id);
}

/** Of the repositories at and below a group that have a source, by ascending id. */
export function listSyncStatuses(
  tx: Tx,
  _caller: Caller,
  request: RegistryListSyncStatusesRequest,
): RegistrySyncStatusList {
  const place = requiredUidp('registry_id', request.registryId);
  findGroup(tx, place);
  const rows = tx.all(
    `SELECT id FROM repos WHERE id >= ? AND id < ? AND json_extract(attributes, '$.sync_config.source') IS NOT NULL
     ORDER BY id`,
    `${place}/`,
    // `0` follows `/` in ASCII.
    `${place}0`,
  );
  return { items: rows.map(({ id }) => ({ repoId: String(id), repoStatus: statusOf(tx, String(id)) })) };
}

/**
 * A tag of the source is copied in the transaction that moved it, so a plain copy is never behind: UNKNOWN, the one
 * word of the API for "nothing under way". A customized repository is behind while its images are built.
 */
export function statusOf(tx: Tx, id: string): RegistrySyncStatus {
  const row = tx.get(
    `SELECT started_at, completed_at, queued_at, result FROM builds WHERE repo = ?
     ORDER BY CASE WHEN completed_at IS NOT NULL THEN 2 WHEN started_at IS NULL THEN 1 ELSE 0 END,
       queued_at DESC, completed_at DESC, rowid DESC LIMIT 1`,
    id,
  );
  if (row === undefined) return { status: 'UNKNOWN' };
  const createTime = toWireTime(Number(row['queued_at']));
  if (row['completed_at'] === null) {
    return { status: row['started_at'] === null ? 'QUEUED' : 'IN_PROGRESS', createTime };
  }
  return row['result'] === 'Failure' ? { status: 'FAILED', createTime } : { status: 'UNKNOWN' };
}
