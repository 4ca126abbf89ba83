import type { TenantNamespace, TenantWorkload } from '../../../api/schema/types/tenant.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import { defineCommand, defineView, type TreeNode } from '../../../cli/define.ts';
import { string } from '../../../cli/inputs/values.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import { activeWithin, clusterInput, sinceTime } from '../cluster.ts';

interface Shown {
  readonly workload: TenantWorkload;
  readonly namespace: TenantNamespace | undefined;
}

const view = defineView<Shown>({
  id: ({ workload: { id = '' } }) => id,
  columns: [
    { head: 'NAMESPACE', value: ({ namespace }) => namespace?.name },
    { head: 'KIND', value: ({ workload }) => workload.kind },
    { head: 'NAME', value: ({ workload }) => workload.name },
    { head: 'LAST SEEN', rank: 1, value: ({ workload }, cell) => sinceCell(workload.lastSeen, cell) },
    { head: 'UID', id: true, wide: true, value: ({ workload }) => workload.remoteId },
  ],
  json: ({ workload, namespace }) => ({ ...workload, namespace: namespace?.name ?? '' }),
  tree: (items) => treeOf(items),
  envelope: 'items',
  empty: 'No workloads found.',
});

/** Namespaces, then what nobody owns, then what that owns. */
function treeOf(items: readonly Shown[]): TreeNode[] {
  const known = new Set(items.map(({ workload }) => workload.remoteId));
  const childrenOf = (owner: string | undefined, place: string): TreeNode[] =>
    items
      .filter(({ workload, namespace }) => {
        const isOwned = known.has(workload.ownerId ?? '');
        return (namespace?.name ?? '') === place && (owner === undefined ? !isOwned : workload.ownerId === owner);
      })
      .map(({ workload: { kind, name, remoteId } }) => ({
        label: `[${kind}] ${name}`,
        children: remoteId ? childrenOf(remoteId, place) : [],
      }));
  const places = [...new Set(items.map(({ namespace }) => namespace?.name ?? ''))].sort();
  return places.map((place) => ({ label: `[${place}]`, children: childrenOf(undefined, place) }));
}

export default defineCommand({
  path: ['clusters', 'workloads', 'list'],
  summary: 'List the workloads of a cluster, and what owns them.',
  aliases: ['ls'],
  inputs: {
    cluster: clusterInput,
    activeWithin,
    namespace: { kind: string, short: 'n', help: 'Only workloads of this namespace.' },
  },
  examples: [
    { text: 'As a tree', args: 'production' },
    { text: 'One namespace', args: 'production --namespace=default --output=table' },
  ],
  view,
  formats: ['tree', 'table', 'json', 'wide', 'id', 'csv'],
  run: async (context, { cluster: { id = '' }, activeWithin: within, namespace }) => {
    const api = await context.api();
    const filter = { uidp: { descendantsOf: id }, activeSince: sinceTime(context, within) };
    const [{ items: namespaces = [] }, { items: workloads = [] }] = await Promise.all([
      api.call('tenant.v1.Namespaces.List', { uidp: { childrenOf: id } }),
      api.call('tenant.v1.Workloads.List', filter),
    ]);
    const byId = new Map(namespaces.map((one) => [one.id, one]));
    return workloads
      .map((workload) => ({ workload, namespace: byId.get(parentOf(workload.id ?? '')) }))
      .filter((one) => namespace === undefined || one.namespace?.name === namespace)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  },
});

const keyOf = ({ workload, namespace }: Shown): string => `${namespace?.name}/${workload.kind}/${workload.name}`;
