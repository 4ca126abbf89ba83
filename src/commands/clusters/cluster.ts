// Clusters as values of inputs. Guarantees: an id of ours and one of Kubernetes both name a cluster, and so does its name.

import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import { isUidp } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import type { Input } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { listedBelow, namedAmong } from '../../cli/inputs/named-things.ts';
import {
  group,
  groupDirectory,
  notEmpty,
  placeAndEnd,
  type Reference,
  toReference,
} from '../../cli/inputs/references.ts';
import { duration } from '../../cli/inputs/values.ts';
import type { Candidate } from '../../cli/prompts/question.ts';
import { CliError } from '../../errors.ts';

const visibleClusters = listedBelow<TenantCluster>(
  async (context, filter) => (await (await context.api()).call('tenant.v1.Clusters.List', filter)).items,
);

export const cluster: Kind<TenantCluster> = {
  metavar: 'CLUSTER',
  noun: 'cluster',
  parse: notEmpty,
  async resolve(context, text) {
    const clusters = await visibleClusters(context);
    const exact = clusters.filter(({ id, remoteId }) => text === id || text === remoteId);
    if (exact.length === 0 && isUidp(text)) {
      throw new CliError('not-found', `Cluster "${text}" not found`, { code: 'not-found.cluster' });
    }
    return namedAmong(context, text, clusters, {
      noun: 'cluster',
      exact,
      candidate: (each) => ({ ...candidate(each), value: toReference(each) }),
    });
  },
  nothing: 'register one with `chainctl clusters install`',
  async candidates(context) {
    const directory = await groupDirectory(context);
    const clusters = await visibleClusters(context);
    return clusters.map((each) => ({ ...candidate(each), description: placeAndEnd(each.id ?? '', directory) }));
  },
};

const candidate = (each: TenantCluster): Candidate<TenantCluster> => ({
  value: each,
  label: each.name || (each.remoteId ?? ''),
  text: each.remoteId || (each.id ?? ''),
});

/** The same among those that `--active-within` leaves, where it is given. */
export const recentCluster: Kind<TenantCluster> = {
  ...cluster,
  looksUpIds: true,
  async resolve(context, text, { activeWithin }) {
    const within = typeof activeWithin === 'number' ? activeWithin : undefined;
    const named = (await visibleClusters(context)).filter(({ name }) => name === text);
    const [recent, another] = named.filter((each) => isRecent(context, each, within));
    // Several of one name are what it tells apart.
    if (recent !== undefined && another === undefined) return recent;
    const found = (await cluster.resolve?.(context, text, {})) ?? { id: text };
    requireRecent(context, found, within);
    return found;
  },
};

const isRecent = (context: Context, { lastSeen = '' }: TenantCluster, within: number | undefined): boolean =>
  within === undefined || Date.parse(lastSeen) >= Date.parse(sinceTime(context, within));

/** Throws for a cluster that was not seen within that time. */
export function requireRecent(context: Context, each: TenantCluster, within: number | undefined): void {
  if (isRecent(context, each, within)) return;
  const { name, remoteId, id, lastSeen } = each;
  throw new CliError(
    'not-found',
    `The cluster "${name || remoteId || id}" was last seen ${lastSeen ? `at ${lastSeen}` : 'never'}, which \`--active-within\` leaves out`,
    { code: 'not-found.cluster', hint: 'leave `--active-within` out, or give a longer time' },
  );
}

/** A cluster by name or id, else an organization or folder. */
export const clusterOrGroup: Kind<TenantCluster | Reference> = {
  metavar: 'CLUSTER|GROUP',
  noun: 'cluster or folder',
  parse: notEmpty,
  looksUpIds: true,
  async resolve(context, text, chosen) {
    const clusters = await visibleClusters(context);
    const isCluster = clusters.some(({ id, remoteId, name }) => [id, remoteId, name].includes(text));
    const kind: Kind<TenantCluster | Reference> = isCluster ? cluster : group;
    return (await kind.resolve?.(context, text, chosen)) ?? { id: text, name: text };
  },
};

export const clusterInput = {
  kind: cluster,
  positional: 'CLUSTER',
  flag: false,
  required: true,
  help: 'Name or id of the cluster, ours or the one that Kubernetes gave.',
  question: 'Which cluster?',
} as const satisfies Input;

export const activeWithin = {
  kind: duration({ min: 0 }),
  default: '24h',
  config: 'default.active-within',
  help: 'Only what was seen within this time, such as "24h".',
} as const satisfies Input;

/** The moment that long ago, as the API takes it. */
export const sinceTime = ({ host }: Context, within: number): string => new Date(host.now() - within).toISOString();
