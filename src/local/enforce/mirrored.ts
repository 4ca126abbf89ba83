// The lists of what agents reported: namespaces, nodes, workloads, records and what hangs on them (enforce.md 1.4). Guarantees:
// an item is shown only to whoever may list its kind where its cluster is.

import type { CommonUIDPFilter } from '../../api/schema/types/common.gen.ts';
import type {
  TenantNamespaceFilter,
  TenantNamespaceList,
  TenantNodeFilter,
  TenantNodeList,
  TenantPolicyResultFilter,
  TenantPolicyResultList,
  TenantRecordContextFilter,
  TenantRecordContextList,
  TenantRecordFilter,
  TenantRecordList,
  TenantRiskList,
  TenantSbom2Filter,
  TenantSbom2List,
  TenantSignatureFilter,
  TenantSignatureList,
  TenantVulnReportFilter,
  TenantVulnReportList,
  TenantWorkloadFilter,
  TenantWorkloadList,
} from '../../api/schema/types/tenant.gen.ts';
import { type ListContext, type Resource, requiredUidp, selectVisible } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { groupsWith } from '../authorization/access.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { sinceOf } from './clusters.ts';

const resource: Resource = { table: 'enforce_objects', parent: 'parent' };

/** Kinds that lists show, each with the capability that its list asks for. */
export const kinds = {
  namespace: 'namespaces.list',
  node: 'nodes.list',
  workload: 'workloads.list',
  record: 'records.list',
  context: 'record_contexts.list',
  result: 'record_policy_results.list',
  signature: 'record_signatures.list',
  sbom: 'sboms.list',
  vulnreport: 'vuln_reports.list',
} as const;
export type Kind = keyof typeof kinds;

interface Wanted {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly uidp?: CommonUIDPFilter | undefined;
  readonly remoteId?: string | undefined;
  readonly activeSince?: string | undefined;
}

interface Item {
  readonly [field: string]: unknown;
}

function select(tx: Tx, caller: Caller, kind: Kind, wanted: Wanted, context?: ListContext): Item[] {
  const { id, name, uidp, remoteId, activeSince } = wanted;
  const since = sinceOf('active_since', activeSince);
  const also = { kind, ...(remoteId ? { key: remoteId } : {}) };
  const visible = groupsWith(tx, caller, [kinds[kind]]);
  return selectVisible(tx, { resource, visible, id, name, uidp, also }, context?.part)
    .filter((row) => Number(row['last_seen']) >= since)
    .map(toItem);
}

/** Only reports write the column, in the JSON names of the kind's message. */
const toItem = (row: SqlRow): Item => ({
  ...(JSON.parse(String(row['body'])) as Item),
  id: String(row['id']),
  lastSeen: toWireTime(Number(row['last_seen'])),
});

export function listNamespaces(
  tx: Tx,
  caller: Caller,
  request: TenantNamespaceFilter,
  context?: ListContext,
): TenantNamespaceList {
  return { items: select(tx, caller, 'namespace', request, context) };
}

export function listNodes(tx: Tx, caller: Caller, request: TenantNodeFilter, context?: ListContext): TenantNodeList {
  return { items: select(tx, caller, 'node', request, context) };
}

export function listWorkloads(
  tx: Tx,
  caller: Caller,
  request: TenantWorkloadFilter,
  context?: ListContext,
): TenantWorkloadList {
  const { ownerId } = request;
  const items = select(tx, caller, 'workload', request, context);
  return { items: ownerId ? items.filter((item) => item['ownerId'] === ownerId) : items };
}

/** `cluster` is the UIDP of one, or what Kubernetes calls it: the uid of a namespace. */
export function listRecords(
  tx: Tx,
  caller: Caller,
  request: TenantRecordFilter,
  context?: ListContext,
): TenantRecordList {
  const { cluster, image, predicate, ...rest } = request;
  if (predicate)
    throw invalidArgument('predicate: records are not filtered by predicates; list signatures by predicate_type');
  const place = cluster ? clusterId(tx, caller, cluster) : undefined;
  const uidp = place === undefined ? rest.uidp : { ...rest.uidp, descendantsOf: place };
  const items = select(tx, caller, 'record', { ...rest, uidp, name: image }, context);
  return { items };
}

function clusterId(tx: Tx, caller: Caller, cluster: string): string {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-/.test(cluster)) return requiredUidp('cluster', cluster);
  const visible = groupsWith(tx, caller, ['records.list']);
  const rows = tx.all('SELECT id FROM enforce_clusters WHERE remote_id = ?', cluster).map((row) => String(row['id']));
  const [found] = rows.filter((id) => visible.some((place) => id.startsWith(`${place}/`)));
  if (found === undefined) throw notFound(`cluster ${cluster} not found`);
  return found;
}

export function listRecordContexts(
  tx: Tx,
  caller: Caller,
  request: TenantRecordContextFilter,
  context?: ListContext,
): TenantRecordContextList {
  const { workload } = request;
  const items = select(tx, caller, 'context', request, context);
  const wanted = workload?.remoteId;
  if (!wanted) return { items };
  return {
    items: items.filter((item) => (item['workload'] as { remoteId?: string } | undefined)?.remoteId === wanted),
  };
}

export function listPolicyResults(
  tx: Tx,
  caller: Caller,
  request: TenantPolicyResultFilter,
  context?: ListContext,
): TenantPolicyResultList {
  const { policyId, results = [], parentType, checkedSince, uidp } = request;
  const since = sinceOf('checked_since', checkedSince);
  const items = select(tx, caller, 'result', { uidp }, context).filter(
    (item) =>
      (!policyId || item['policyId'] === policyId) &&
      (results.length === 0 || results.includes(String(item['result']))) &&
      (!parentType || parentType === 'PARENT_TYPE_UNKNOWN' || item['parentType'] === parentType) &&
      Date.parse(String(item['lastChecked'])) >= since,
  );
  return { items: items.map(({ lastSeen: _lastSeen, ...item }) => item) };
}

export function listSignatures(
  tx: Tx,
  caller: Caller,
  request: TenantSignatureFilter,
  context?: ListContext,
): TenantSignatureList {
  const { predicateType } = request;
  const items = select(tx, caller, 'signature', request, context);
  return { items: predicateType ? items.filter((item) => item['predicateType'] === predicateType) : items };
}

export function listSboms(tx: Tx, caller: Caller, request: TenantSbom2Filter, context?: ListContext): TenantSbom2List {
  const items = select(tx, caller, 'sbom', request, context);
  return { items: request.includeRawSbom ? items : items.map(({ rawSbom: _raw, ...item }) => item) };
}

export function listVulnReports(
  tx: Tx,
  caller: Caller,
  request: TenantVulnReportFilter,
  context?: ListContext,
): TenantVulnReportList {
  const items = select(tx, caller, 'vulnreport', request, context);
  return { items: request.includeRawVulnReport ? items : items.map(({ rawVulnReport: _raw, ...item }) => item) };
}

/** Nothing here works risks out. */
export function listRisks(): TenantRiskList {
  return { items: [] };
}
