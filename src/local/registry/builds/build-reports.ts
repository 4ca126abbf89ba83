import type {
  RegistryBuildReport,
  RegistryBuildReportFilter,
  RegistryBuildReportList,
  RegistryBuildStatus,
} from '../../../api/schema/types/registry.gen.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { type Condition, selectBuilds } from '../catalog/registry-selection.ts';
import { timeOf } from '../catalog/tags.ts';
import { mediaTypes } from '../manifest.ts';

const day = 24 * 60 * 60 * 1000;

/** Newest first, of the last day unless told otherwise. A build that is running has no result yet and a log so far. */
export function listBuildReports(tx: Tx, caller: Caller, request: RegistryBuildReportFilter): RegistryBuildReportList {
  const reports = find(tx, caller, request).map((row) => toWire(row, request.excludeLogs === true));
  const size = request.pageSize ?? 0;
  if (size < 0) throw invalidArgument('page_size must not be negative');
  return { reports: size === 0 ? reports : reports.slice(0, size) };
}

/** Repositories with failed builds in the same span, and how many. */
export function getBuildStatus(tx: Tx, caller: Caller, request: RegistryBuildReportFilter): RegistryBuildStatus {
  const totals = new Map<string, number>();
  for (const row of find(tx, caller, request)) {
    if (row['result'] !== 'Failure') continue;
    const repo = String(row['repo']);
    totals.set(repo, (totals.get(repo) ?? 0) + 1);
  }
  const failures = [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([repoId, total]) => ({ repoId, total }));
  return { failures };
}

function find(tx: Tx, caller: Caller, request: RegistryBuildReportFilter): SqlRow[] {
  const since = timeOf('started_since', request.startedSince) ?? tx.now - day;
  const before = timeOf('started_before', request.startedBefore);
  const also: Condition[] = [['b.started_at >= ?', since]];
  if (before !== undefined) also.push(['b.started_at < ?', before]);
  return selectBuilds(tx, caller, { uidp: request.uidp, also });
}

function toWire(row: SqlRow, excludeLogs: boolean): RegistryBuildReport {
  return {
    id: String(row['id']),
    mediaType: mediaTypes.ociLayerGzip,
    config: String(row['config']),
    lockedConfig: String(row['locked_config']),
    result: String(row['result']),
    warnings: JSON.parse(String(row['warnings'])) as string[],
    ...(excludeLogs ? {} : { log: String(row['log']) }),
    digest: String(row['digest']),
    startedAt: toWireTime(Number(row['started_at'])),
    ...(row['completed_at'] === null ? {} : { completedAt: toWireTime(Number(row['completed_at'])) }),
  };
}
