// Collects facts about the images of a cluster from its lists.

import type {
  TenantCluster,
  TenantPolicyResult,
  TenantRecord,
  TenantRecordContext,
  TenantSignature,
  TenantWorkload,
} from '../../../api/schema/types/tenant.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { sinceTime } from '../cluster.ts';

export interface ImageFacts {
  readonly record: TenantRecord;
  readonly results: readonly TenantPolicyResult[];
  readonly workloads: readonly TenantWorkload[];
  readonly signatures: readonly TenantSignature[];
}

export async function imagesOf(
  context: Context,
  { id: cluster = '', remoteId = '' }: TenantCluster,
  wanted: { readonly within: number; readonly image?: string | undefined },
): Promise<ImageFacts[]> {
  const api = await context.api();
  const inside = { uidp: { descendantsOf: cluster } };
  const activeSince = sinceTime(context, wanted.within);
  const [records, results, contexts, workloads, signatures] = await Promise.all([
    // The path has room for one segment only: the id that Kubernetes gave.
    api.call('tenant.v1.Records.List', { ...inside, cluster: remoteId, activeSince }),
    api.call('tenant.v1.PolicyResults.List', { ...inside, parentType: 'RECORD' }),
    api.call('tenant.v1.RecordContexts.List', inside),
    api.call('tenant.v1.Workloads.List', inside),
    api.call('tenant.v1.Signatures.List', inside),
  ]);
  const resultsOf = grouped(results.items ?? []);
  const contextsOf = grouped<TenantRecordContext>(contexts.items ?? []);
  const signaturesOf = grouped(signatures.items ?? []);
  const byUid = new Map((workloads.items ?? []).map((one) => [one.remoteId, one]));
  return (records.items ?? [])
    .filter(({ image = '' }) => wanted.image === undefined || isImage(image, wanted.image))
    .map((record) => {
      const id = record.id ?? '';
      return {
        record,
        results: [...(resultsOf.get(id) ?? [])].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
        workloads: (contextsOf.get(id) ?? []).flatMap(({ workload }) => byUid.get(workload?.remoteId) ?? []),
        signatures: signaturesOf.get(id) ?? [],
      };
    })
    .sort((a, b) => ((a.record.image ?? '') < (b.record.image ?? '') ? -1 : 1));
}

function grouped<T extends { readonly id?: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const parent = parentOf(item.id ?? '');
    groups.set(parent, [...(groups.get(parent) ?? []), item]);
  }
  return groups;
}

/** `busybox`, `ttl.sh/me/busybox`, a digest: whatever of the reference somebody knows. */
const isImage = (image: string, wanted: string): boolean =>
  image === wanted ||
  image.split('@')[0]?.endsWith(wanted.split('@')[0] ?? '') === true ||
  image.endsWith(`@${wanted}`);
