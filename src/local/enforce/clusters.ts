// Clusters as the platform knows them. Guarantees: what an agent says of its cluster is only ever about that cluster,
// and a deleted cluster takes along what was reported of it, and the identity that reported.

import type {
  TenantCluster,
  TenantClusterCIDRResponse,
  TenantClusterConfigRequest,
  TenantClusterConfigResponse,
  TenantClusterDiscoveryRequest,
  TenantClusterDiscoveryResponse,
  TenantClusterFilter,
  TenantClusterList,
  TenantClusterProfilesResponse,
  TenantCreateClusterRequest,
  TenantDeleteClusterRequest,
} from '../../api/schema/types/tenant.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId, parentOf } from '../../api/uidp.ts';
import { checkDescription } from '../api/field-rules.ts';
import { type ListContext, type Resource, requiredUidp, selectVisible } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { groupsWith } from '../authorization/access.ts';
import { failedPrecondition, invalidArgument, notFound } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import { findGroup, toWireGroup } from '../iam/groups.ts';
import { removeIdentity } from '../iam/identities.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { configOf, orderedProfiles, profiles } from './manifests.ts';

const resource: Resource = { table: 'enforce_clusters', parent: 'parent' };

/** The part of the message that no column holds. */
export type ClusterFacts = Pick<
  TenantCluster,
  | 'version'
  | 'agentVersion'
  | 'activity'
  | 'managedName'
  | 'provider'
  | 'affinity'
  | 'info'
  | 'status'
  | 'profiles'
  | 'enforcerOptions'
>;

/** A managed cluster: it is noted, and no agent of ours runs for it (enforce.md 3). */
export function createCluster(tx: Tx, _caller: Caller, request: TenantCreateClusterRequest): TenantCluster {
  const parent = requiredUidp('parent_id', request.parentId);
  const {
    name,
    description,
    remoteId,
    info,
    provider,
    managedName,
    affinity,
    profiles: wanted,
    enforcerOptions,
  } = request.cluster ?? {};
  findGroup(tx, parent);
  if (!info?.server) throw invalidArgument('cluster.info.server is required');
  const context: ClusterFacts = {
    info,
    ...(provider === undefined ? {} : { provider }),
    ...(managedName === undefined ? {} : { managedName }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(enforcerOptions === undefined ? {} : { enforcerOptions }),
    profiles: orderedProfiles(wanted ?? ['enforcer']),
    status: { ready: 'NotReady', reason: 'NoAgent', message: 'no agent runs for managed clusters on this platform' },
  };
  return insertCluster(tx, parent, {
    name: checkClusterName(name),
    description: checkDescription(description),
    remoteId: remoteId ?? '',
    issuer: '',
    identity: undefined,
    facts: context,
  });
}

export interface NewCluster {
  readonly name: string;
  readonly description: string;
  readonly remoteId: string;
  readonly issuer: string;
  readonly identity: string | undefined;
  readonly facts: ClusterFacts;
}

export function insertCluster(tx: Tx, parent: string, cluster: NewCluster): TenantCluster {
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  tx.run(
    `INSERT INTO enforce_clusters (id, parent, name, description, remote_id, issuer, identity, facts, registered_at, last_seen)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    parent,
    cluster.name,
    cluster.description,
    cluster.remoteId,
    cluster.issuer,
    cluster.identity ?? null,
    JSON.stringify(cluster.facts),
    tx.now,
    tx.now,
  );
  return toWireCluster(tx, findCluster(tx, id));
}

export function listClusters(
  tx: Tx,
  caller: Caller,
  request: TenantClusterFilter,
  context?: ListContext,
): TenantClusterList {
  const { id, name, uidp, remoteId, activeSince } = request;
  const visible = groupsWith(tx, caller, ['clusters.list']);
  const also = remoteId === undefined || remoteId === '' ? {} : { remote_id: remoteId };
  const since = sinceOf('active_since', activeSince);
  const rows = selectVisible(tx, { resource, visible, id, name, uidp, also }, context?.part);
  return { items: rows.filter((row) => Number(row['last_seen']) >= since).map((row) => toWireCluster(tx, row)) };
}

/** Fields that are not sent stay as they are. */
export function updateCluster(tx: Tx, _caller: Caller, request: TenantCluster, context: CallContext): TenantCluster {
  const row = findCluster(tx, requiredUidp('id', request.id));
  const before = factsOf(row);
  const { profiles: wanted, enforcerOptions } = request;
  const after: ClusterFacts = {
    ...before,
    ...(wanted === undefined || wanted.length === 0 ? {} : { profiles: orderedProfiles(wanted) }),
    ...(enforcerOptions === undefined ? {} : { enforcerOptions: { ...before.enforcerOptions, ...enforcerOptions } }),
  };
  tx.run(
    'UPDATE enforce_clusters SET name = ?, description = ?, facts = ? WHERE id = ?',
    context.hasField('name') ? checkClusterName(request.name) : String(row['name']),
    context.hasField('description') ? checkDescription(request.description) : String(row['description']),
    JSON.stringify(after),
    String(row['id']),
  );
  return toWireCluster(tx, findCluster(tx, String(row['id'])));
}

export function deleteCluster(tx: Tx, _caller: Caller, request: TenantDeleteClusterRequest): Empty {
  const row = findCluster(tx, requiredUidp('id', request.id));
  tx.run('DELETE FROM enforce_clusters WHERE id = ?', String(row['id']));
  if (row['identity'] !== null && row['identity'] !== undefined) removeIdentity(tx, String(row['identity']));
  return {};
}

/** Throws FAILED_PRECONDITION: an empty list would say that there are none. */
export function discoverClusters(
  tx: Tx,
  _caller: Caller,
  request: TenantClusterDiscoveryRequest,
): TenantClusterDiscoveryResponse {
  findGroup(tx, requiredUidp('id', request.id));
  throw failedPrecondition(
    'this platform looks for clusters in no cloud; set up each with `chainctl clusters install`',
  );
}

export function listProfiles(): TenantClusterProfilesResponse {
  return {
    profile: profiles.map(({ name, description, dependencies }) => ({
      name,
      description,
      dependencies: [...dependencies],
    })),
  };
}

export function clusterConfig(
  _tx: Tx,
  _caller: Caller,
  request: TenantClusterConfigRequest,
  { urls }: CallContext,
): TenantClusterConfigResponse {
  const { mcp, tenant, names } = configOf(request.profiles ?? [], request.enforcerOptions ?? {}, urls);
  return {
    mcpConfig: Buffer.from(mcp).toString('base64'),
    tenantConfig: Buffer.from(tenant).toString('base64'),
    profiles: [...names],
  };
}

/** Agents call the platform, and it calls no cluster: no address needs to be let in. */
export function listCidrs(): TenantClusterCIDRResponse {
  return { cidrBlocks: [] };
}

export function findCluster(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM enforce_clusters WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

// Only this module writes the column.
export const factsOf = (row: SqlRow): ClusterFacts => JSON.parse(String(row['facts'])) as ClusterFacts;

export function toWireCluster(tx: Tx, row: SqlRow): TenantCluster {
  return {
    id: String(row['id']),
    remoteId: String(row['remote_id']),
    issuer: String(row['issuer']),
    registered: toWireTime(Number(row['registered_at'])),
    lastSeen: toWireTime(Number(row['last_seen'])),
    name: String(row['name']),
    description: String(row['description']),
    ...factsOf(row),
    group: toWireGroup(findGroup(tx, parentOf(String(row['id'])))),
  };
}

/** Milliseconds since the epoch; 0 when nothing was asked. Throws INVALID_ARGUMENT. */
export function sinceOf(field: string, time: string | undefined): number {
  if (time === undefined || time === '') return 0;
  const since = Date.parse(time);
  if (Number.isNaN(since)) throw invalidArgument(`${field}: ${JSON.stringify(time)} is not a time`);
  return since;
}

/** Names of contexts come from kubeconfigs, with whatever clouds put into them. */
export function checkClusterName(name = ''): string {
  if (name.length > 253 || /[\p{Cc}\p{Cf}]/u.test(name)) {
    throw invalidArgument(
      `name: ${JSON.stringify(name)} must be up to 253 characters, none of them a control character`,
    );
  }
  return name;
}
