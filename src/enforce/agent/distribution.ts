// Policies of the platform in the cluster, as ClusterImagePolicy objects. Guarantees: what others made stays as it is; what was
// ours and counts no longer goes; two policies of one name, from two groups, both count.

import type { KubernetesClient } from '../../kubernetes/client.ts';
import { readPolicy } from '../policy/document.ts';
import { PolicyError } from '../policy/types.ts';

export interface GivenPolicy {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly document: string;
}

export const policiesPath = '/apis/policy.sigstore.dev/v1beta1/clusterimagepolicies';
const manager = 'chainctl-agent';
const ours = { 'app.kubernetes.io/managed-by': manager };
export const policyIdKey = 'gulfstream.dev/policy-id';
export const policyVersionKey = 'gulfstream.dev/policy-version';

/** Returns a sentence for each policy that could not be given out. */
export async function distribute(client: KubernetesClient, given: readonly GivenPolicy[]): Promise<string[]> {
  const { items } = await client.list(policiesPath);
  const before = new Map(items.map((item) => [item.metadata.name, item]));
  const isOurs = (name: string) => before.get(name)?.metadata.labels?.['app.kubernetes.io/managed-by'] === manager;
  const problems: string[] = [];
  const kept = new Set<string>();
  for (const { id, name, version, document } of given) {
    const unique = kept.has(name) || (before.has(name) && !isOurs(name)) ? `${name}-${id.slice(-8)}` : name;
    kept.add(unique);
    const old = before.get(unique);
    if (old !== undefined && isOurs(unique) && old.metadata.annotations?.[policyVersionKey] === version) continue;
    try {
      const { object, policy } = readPolicy(document);
      const metadata = object['metadata'] as { labels?: object; annotations?: object };
      const path = policiesPath.replace('v1beta1', policy.apiVersion.split('/')[1] ?? 'v1beta1');
      await client.send(
        'PATCH',
        `${path}/${unique}?fieldManager=${manager}&force=true`,
        {
          ...object,
          metadata: {
            name: unique,
            labels: { ...metadata.labels, ...ours },
            annotations: { ...metadata.annotations, [policyIdKey]: id, [policyVersionKey]: version },
          },
        },
        'application/apply-patch+yaml',
      );
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      problems.push(`policy ${name} cannot be read: ${error.message}`);
    }
  }
  for (const { metadata } of items) {
    if (isOurs(metadata.name) && !kept.has(metadata.name))
      await client.send('DELETE', `${policiesPath}/${metadata.name}`);
  }
  return problems;
}
