import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import { type CellContext, defineView } from '../../cli/define.ts';
import { sinceCell } from '../../cli/output/age.ts';

/** `2s`, `117s`, `5m`, `3d`: how long ago something was, in the least room. */
export function shortAge(time: string | undefined, { now }: CellContext): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time ?? '')) / 1000));
  if (Number.isNaN(seconds)) return '';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

export const clusterView = defineView<TenantCluster>({
  id: ({ id = '' }) => id,
  columns: [
    { head: 'NAME', value: ({ name }) => name },
    { head: 'GROUP', rank: 1, value: ({ group }) => group?.name },
    { head: 'REMOTEID', id: true, value: ({ remoteId }) => remoteId },
    { head: 'REGISTERED', rank: 4, value: ({ registered }, cell) => sinceCell(registered, cell) },
    { head: 'K8S VERSION', rank: 3, value: ({ version }) => version },
    { head: 'AGENT VERSION', rank: 5, value: ({ agentVersion }) => agentVersion },
    { head: 'LAST SEEN', rank: 2, value: ({ lastSeen }, cell) => sinceCell(lastSeen, cell) },
    {
      head: 'ACTIVITY',
      value: ({ activity = {} }, cell) =>
        Object.entries(activity)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([profile, { lastSeen }]) => `${profile}:${shortAge(lastSeen, cell)}`)
          .join('\n'),
    },
    { head: 'ID', id: true, wide: true, value: ({ id }) => id },
    { head: 'PROFILES', wide: true, value: ({ profiles = [] }) => profiles.join(', ') },
  ],
  json: (cluster) => cluster,
  envelope: 'items',
  empty: 'No clusters found.',
});
