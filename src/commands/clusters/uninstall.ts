import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView, exclusive, type Inputs, type InputValues } from '../../cli/define.ts';
import { group } from '../../cli/inputs/references.ts';
import { duration, string } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import { recentCluster, requireRecent, sinceTime } from './cluster.ts';
import { kubectlFor } from './kubectl.ts';

const inputs = {
  kubeContext: { kind: { ...string, metavar: 'NAME' }, help: 'Context of kubectl whose cluster is cleaned up.' },
  activeWithin: {
    kind: duration({ min: 1000 }),
    help: 'Only a cluster that was seen within this time, so that none is taken for another of its name.',
  },
  cluster: { kind: recentCluster, help: 'Remove the registration of this cluster only, which may no longer exist.' },
  inactive: {
    kind: duration({ min: 1000 }),
    help: 'Remove the registrations of clusters that were not seen for this long.',
  },
  group: {
    kind: group,
    aliases: ['parent'],
    help: 'With --inactive, only those of this organization or folder, or below it.',
  },
} as const satisfies Inputs;

const view = defineView<Pick<TenantCluster, 'id' | 'name' | 'remoteId'>>({
  id: ({ id = '' }) => id,
  text: ({ name, remoteId, id }) => `Uninstalled ${name || remoteId || id}\n`,
  json: ({ id = '', remoteId = '' }) => ({ id, remoteId }),
});

/** Registrations that one of the flags names. */
async function named(context: Context, input: InputValues<typeof inputs>): Promise<readonly TenantCluster[]> {
  if (input.cluster !== undefined) return [input.cluster];
  if (input.inactive === undefined) return [];
  const within = input.group === undefined ? {} : { uidp: { descendantsOf: input.group.id } };
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', within);
  const since = sinceTime(context, input.inactive);
  return items.filter(({ lastSeen = '' }) => Date.parse(lastSeen) < Date.parse(since));
}

/** Returns the registrations of a cluster that kubectl reaches. Throws for those that `--active-within` leaves out. */
async function registrationsOf(
  context: Context,
  remoteId: string,
  activeWithin: number | undefined,
): Promise<readonly TenantCluster[]> {
  if (remoteId === '') return [];
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', { remoteId });
  for (const one of items) requireRecent(context, one, activeWithin);
  return items;
}

export default defineCommand({
  path: ['clusters', 'uninstall'],
  changesHere: true,
  summary: 'Take the agent and the registration of a cluster away.',
  description:
    'With kubectl everything that `clusters install` applied goes, policies in the cluster included. The platform keeps its policies.',
  inputs,
  contextElse: 'kubeContext',
  check: [exclusive('kubeContext', 'cluster', 'inactive'), exclusive('activeWithin', 'inactive')],
  examples: [
    { text: 'The cluster of the current context of kubectl', args: '' },
    { text: 'A cluster that no longer exists', args: '--cluster=production --yes' },
    { text: 'Those not seen for a month', args: '--inactive=720h' },
  ],
  view,
  formats: ['text', 'json', 'id'],
  confirm: async (input, context) => {
    const found = await named(context, input);
    const byName = input.cluster !== undefined || input.inactive !== undefined;
    if (byName && found.length === 0) return undefined;
    const names = found.map(({ name, remoteId }) => `"${name || remoteId}"`).join(', ');
    const what = byName
      ? `the registration of ${names}`
      : `the agent, its webhook and its policies from the cluster of context "${(await kubectlFor(context, input.kubeContext)).context}", and its registration`;
    return { message: printable(`This takes away ${what}. Do you want to continue?`), default: false };
  },
  run: async function* (context, input) {
    const api = await context.api();
    const byName = input.cluster !== undefined || input.inactive !== undefined;
    if (!byName) {
      const [{ installedId, uninstall }, kubectl] = await Promise.all([
        import('./uninstalling.ts'),
        kubectlFor(context, input.kubeContext),
      ]);
      const remoteId = await installedId(kubectl);
      const items = await registrationsOf(context, remoteId, input.activeWithin);
      await uninstall(context, kubectl, remoteId);
      for (const { id = '' } of items) await api.call('tenant.v1.Clusters.Delete', { id });
      yield items[0] ?? { id: '', name: '', remoteId: remoteId || 'nothing: there was no agent' };
      return;
    }
    const found = await named(context, input);
    if (found.length === 0) context.io.note('There is no such cluster.');
    for (const one of found) {
      await api.call('tenant.v1.Clusters.Delete', { id: one.id ?? '' });
      yield one;
    }
  },
});
