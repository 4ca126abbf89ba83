// The policies of a cluster, as its API server tells them.

import type { KubernetesObject } from '../../kubernetes/client.ts';
import { readPolicy } from '../policy/document.ts';
import type { Policy } from '../policy/types.ts';
import { policyIdKey, policyVersionKey } from './distribution.ts';

export interface KnownPolicy {
  readonly policy: Policy;
  /** Of the platform; the name of one that somebody else applied. */
  readonly id: string;
  readonly version: string;
}

export class KnownPolicies {
  readonly #policies = new Map<string, KnownPolicy>();
  readonly #unreadable = new Set<string>();
  /** Called with the id of a policy that no longer counts. */
  readonly #onGone: (id: string) => void;
  /** Counts changes. */
  generation = 0;

  constructor(onGone: (id: string) => void) {
    this.#onGone = onGone;
  }

  /** By name. */
  get byName(): ReadonlyMap<string, KnownPolicy> {
    return this.#policies;
  }

  get all(): readonly Policy[] {
    return [...this.#policies.values()].map(({ policy }) => policy);
  }

  /** Names of those that cannot be read; what they would cover is not known. */
  get unreadable(): readonly string[] {
    return [...this.#unreadable];
  }

  /** Returns why it cannot be read. */
  take(object: KubernetesObject): string | undefined {
    const { name, annotations = {}, resourceVersion } = object.metadata;
    const before = this.#policies.get(name)?.id;
    let problem: string | undefined;
    try {
      const { policy } = readPolicy(
        JSON.stringify({
          apiVersion: object.apiVersion ?? 'policy.sigstore.dev/v1beta1',
          kind: 'ClusterImagePolicy',
          metadata: { name },
          spec: object['spec'],
        }),
      );
      const [id = name, version = resourceVersion] = [annotations[policyIdKey], annotations[policyVersionKey]];
      this.#policies.set(name, { policy, id, version });
      this.#unreadable.delete(name);
    } catch (error) {
      this.#policies.delete(name);
      this.#unreadable.add(name);
      problem = (error as Error).message;
    }
    this.#changed(name, before);
    return problem;
  }

  remove(name: string): void {
    const before = this.#policies.get(name)?.id;
    this.#policies.delete(name);
    this.#unreadable.delete(name);
    this.#changed(name, before);
  }

  #changed(name: string, before: string | undefined): void {
    this.generation += 1;
    if (before !== undefined && before !== this.#policies.get(name)?.id) this.#onGone(before);
  }
}
