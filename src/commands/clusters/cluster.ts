// Clusters as values of inputs. Guarantees: an id of ours and one of Kubernetes both name a cluster, and so does its name.

import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import { isUidp } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import type { Input } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { byNameThenId, groupDirectory, namedOrShort, notEmpty, one, placeAndEnd } from '../../cli/inputs/references.ts';
import { duration } from '../../cli/inputs/values.ts';
import type { Candidate } from '../../cli/prompts/question.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';

const visibleClusters = remembered(async (context: Context): Promise<readonly TenantCluster[]> => {
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', {});
  return [...items].sort(byNameThenId);
});

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
    return one(context, text, exact.length > 0 ? exact : namedOrShort(text, clusters), {
      noun: 'cluster',
      missing: `No cluster found for "${text}"`,
      names: () => clusters.map(({ name = '' }) => name),
      candidate: (each) => ({ ...candidate(each), value: { id: each.id ?? '', name: each.name ?? '' } }),
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
