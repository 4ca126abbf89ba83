// Decides about images by the policies of the cluster, and remembers for a moment what was decided. Guarantees: a policy
// that changes counts with the next question.

import { type ImageReference, normalForm } from '../policy/globs.ts';
import type { Surroundings } from '../verify/surroundings.ts';
import { type Question, type Verdict, verify, type Workload } from '../verify/verify.ts';
import type { KnownPolicies } from './known-policies.ts';

/** A verdict that let something in counts this long for the next object with the image; one that did not, a moment. */
const goodForMs = 60_000;
const badForMs = 3_000;
const digestForMs = 5_000;

export interface ImageQuestion {
  readonly image: ImageReference & { readonly digest: string };
  /** As the pod spells it. */
  readonly given: string;
  readonly workload: Workload | undefined;
  readonly object: Question['object'];
}

export interface Verdicts {
  /** What is remembered counts unless `isFresh`. */
  decide(question: ImageQuestion, around: Surroundings, isFresh?: boolean): Promise<Verdict>;
  /** Digest of a tag; undefined when the registry has none. Throws when it does not answer. */
  resolve(image: ImageReference, around: Surroundings): Promise<string | undefined>;
}

export function createVerdicts(policies: KnownPolicies, now: () => number): Verdicts {
  const verdicts = new Map<string, { readonly until: number; readonly verdict: Promise<Verdict> }>();
  const digests = new Map<string, { readonly until: number; readonly digest: Promise<string | undefined> }>();
  return {
    decide({ image, given, workload, object }, around, isFresh = false) {
      const { all, generation } = policies;
      const matters = all.some(({ match }) => match.length > 0) ? workload : undefined;
      const asked = all.some(({ policy }) => policy?.needs.some((part) => part !== 'config')) ? object : undefined;
      const key = JSON.stringify([given, normalForm(image), generation, matters, asked]);
      const known = verdicts.get(key);
      if (!isFresh && known !== undefined && known.until > now()) return known.verdict;
      const verdict = verify({ image, given, workload, object }, all, around);
      if (verdicts.size > 20_000) verdicts.clear();
      verdicts.set(key, { until: now() + badForMs, verdict });
      verdict.then(
        (found) => {
          const isGood = found.policies.length > 0 && found.policies.every(({ result }) => result === 'PASS');
          verdicts.set(key, { until: now() + (isGood ? goodForMs : badForMs), verdict });
        },
        () => verdicts.delete(key),
      );
      return verdict;
    },
    resolve(image, around) {
      const tag = image.tag ?? 'latest';
      const key = `${image.registry}/${image.repository}:${tag}`;
      const known = digests.get(key);
      if (known !== undefined && known.until > now()) return known.digest;
      const digest = around
        .repository(image, [])
        .manifest(tag)
        .then((manifest) => manifest?.digest);
      if (digests.size > 20_000) digests.clear();
      digests.set(key, { until: now() + digestForMs, digest });
      digest.catch(() => digests.delete(key));
      return digest;
    },
  };
}
