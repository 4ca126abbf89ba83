// Decides about objects that want to run: what the webhook asks, answered with the policies and registries of the cluster.

import { type ImageReference, normalForm } from '../policy/globs.ts';
import type { Surroundings } from '../verify/surroundings.ts';
import type { Verdict } from '../verify/verify.ts';
import {
  type AdmissionRequest,
  type AdmissionResponse,
  type Decider,
  mutate,
  podSpecOf,
  validate,
  workloadOf,
} from '../webhook/review.ts';
import type { Pod } from './cluster-surroundings.ts';
import { objectParts } from './image-results.ts';
import type { KnownPolicies } from './known-policies.ts';
import type { Mirror } from './mirror.ts';
import type { Verdicts } from './verdicts.ts';

export interface AdmissionOptions {
  readonly policies: KnownPolicies;
  readonly verdicts: Verdicts;
  readonly surroundingsOf: (pod: Pod, limit: AbortSignal) => Surroundings;
  readonly noMatch: () => Decider['noMatch'];
  /** Until the cluster has told its policies, nobody can say that none is about an image. */
  readonly knowsPolicies: () => boolean;
  readonly mirror: Pick<Mirror, 'tell'>;
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

export interface Admission {
  mutate(request: AdmissionRequest, limit: AbortSignal): Promise<AdmissionResponse>;
  validate(request: AdmissionRequest, limit: AbortSignal): Promise<AdmissionResponse>;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { policies, verdicts, mirror, signal } = options;
  const around = (request: AdmissionRequest, limit: AbortSignal): Surroundings =>
    options.surroundingsOf({ namespace: request.namespace, spec: podSpecOf(request, request.object) }, limit);
  const decide = (
    image: ImageReference & { readonly digest: string },
    given: string,
    request: AdmissionRequest,
    limit: AbortSignal,
  ): Promise<Verdict> =>
    verdicts.decide(
      { image, given, workload: workloadOf(request), object: objectParts(request.object ?? {}, typeOf(request)) },
      around(request, limit),
    );
  const deciderFor = (limit: AbortSignal): Decider => ({
    policies: policies.all,
    unreadable: policies.unreadable,
    noMatch: options.noMatch(),
    async resolve(image, request) {
      const digest = await verdicts.resolve(image, around(request, limit));
      if (digest === undefined) return undefined;
      // The API server asks for the verdict next: it begins before.
      const whole = { ...image, digest };
      decide(whole, normalForm(whole), request, limit).catch(() => undefined);
      return digest;
    },
    verify: (image, given, request) => decide(image, given, request, limit),
  });
  const either = (limit: AbortSignal): AbortSignal => AbortSignal.any([signal, limit]);
  return {
    mutate: (request, limit) => mutate(request, deciderFor(either(limit))),
    async validate(request, limit) {
      if (!options.knowsPolicies()) throw new Error('the policies of the cluster were not read yet; try again');
      const response = await validate(request, deciderFor(either(limit)));
      if (!response.allowed) tellDenial(mirror, request, response);
      return response;
    },
  };
}

const typeOf = ({ kind: { group, version, kind } }: AdmissionRequest) => ({
  apiVersion: group === '' ? version : `${group}/${version}`,
  kind,
});

/** Denials are events; what is let in is seen in records. Specifications hold secrets in variables, so they stay out. */
function tellDenial(
  mirror: Pick<Mirror, 'tell'>,
  { uid, kind, namespace, name, operation, object }: AdmissionRequest,
  { allowed, status }: AdmissionResponse,
): void {
  mirror.tell({
    type: 'dev.chainguard.admission.v1',
    subject: [namespace, name ?? object?.metadata?.name].filter(Boolean).join('/'),
    body: { request: { uid, kind, namespace, name, operation }, response: { allowed, status } },
  });
}
