// Shows what is known of the images of a cluster, put together from its lists.

import type {
  TenantCluster,
  TenantPolicyResult,
  TenantSbom2,
  TenantSignature,
  TenantWorkload,
} from '../../../api/schema/types/tenant.gen.ts';
import type { Caller } from '../../caller.ts';

export interface ImageRecord {
  readonly image: string;
  readonly digest: string;
  readonly lastSeen: string | undefined;
  /** By the name of the policy. */
  readonly results: readonly TenantPolicyResult[];
  readonly signatures: readonly TenantSignature[];
  readonly workloads: readonly TenantWorkload[];
  readonly sbom: TenantSbom2 | undefined;
}

export const parentOf = (id: string): string => id.slice(0, id.lastIndexOf('/'));

export async function recordsOf(
  caller: Caller,
  { id: cluster = '', remoteId = '' }: TenantCluster,
): Promise<ImageRecord[]> {
  const inside = { uidp: { descendantsOf: cluster } };
  const [records, results, contexts, workloads, signatures, sboms] = await Promise.all([
    // The path has room for one segment only: the id that Kubernetes gave.
    caller.call('tenant.v1.Records.List', { ...inside, cluster: remoteId }),
    caller.call('tenant.v1.PolicyResults.List', { ...inside, parentType: 'RECORD' }),
    caller.call('tenant.v1.RecordContexts.List', inside),
    caller.call('tenant.v1.Workloads.List', inside),
    caller.call('tenant.v1.Signatures.List', inside),
    caller.call('tenant.v1.Sboms.List', inside),
  ]);
  const resultsOf = grouped(results.items ?? []);
  const contextsOf = grouped(contexts.items ?? []);
  const signaturesOf = grouped(signatures.items ?? []);
  const sbomsOf = grouped(sboms.items ?? []);
  const byUid = new Map((workloads.items ?? []).map((one) => [one.remoteId, one]));
  return (records.items ?? []).map(({ id = '', image = '', lastSeen }) => ({
    image,
    digest: image.slice(image.indexOf('@') + 1),
    lastSeen,
    results: [...(resultsOf.get(id) ?? [])].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
    signatures: signaturesOf.get(id) ?? [],
    workloads: (contextsOf.get(id) ?? []).flatMap(({ workload }) => byUid.get(workload?.remoteId) ?? []),
    sbom: sbomsOf.get(id)?.[0],
  }));
}

function grouped<T extends { readonly id?: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const parent = parentOf(item.id ?? '');
    groups.set(parent, [...(groups.get(parent) ?? []), item]);
  }
  return groups;
}

/** The worst of its results; `NONE` when no policy is about it. */
export function verdictOf({ results }: ImageRecord): string {
  const found = results.map(({ result }) => result);
  return ['FAIL', 'WARN', 'PASS'].find((one) => found.includes(one as 'FAIL')) ?? 'NONE';
}

export function badgeOf(verdict: string) {
  const [look, words] = badges[verdict] ?? ['', 'no policy'];
  return <span class={`badge ${look}`}>{words}</span>;
}

const badges: Readonly<Record<string, readonly [look: string, words: string]>> = {
  FAIL: ['bad', 'flagged'],
  WARN: ['warn', 'warning'],
  PASS: ['good', 'in order'],
};
