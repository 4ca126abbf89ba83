// Decides an AdmissionReview (enforce.md 1.1 and 2). Guarantees: an object is let in only when every image of it was
// decided; an error of ours, our own deadline and a full queue refuse; what the API server prints is one text of known
// form.

import { forEachConcurrently } from '../../parallel.ts';
import { type ImageReference, normalForm, parseReference } from '../policy/globs.ts';
import type { Policy } from '../policy/types.ts';
import type { PolicyVerdict, Verdict, Workload } from '../verify/verify.ts';

/** The request of a review, as far as it is read. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  readonly subResource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: string;
  readonly object?: PodOwner | null;
  readonly oldObject?: PodOwner | null;
}

export interface PodOwner {
  readonly metadata?: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind?: string; readonly apiVersion?: string }[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
  readonly patchType?: 'JSONPatch';
  /** Base64. */
  readonly patch?: string;
}

/** One image of an object and where it stands. */
export interface ImagePlace {
  readonly image: string;
  /** `spec.containers[0].image`, counted from the object. */
  readonly field: string;
  /** JSON pointer of the same. */
  readonly pointer: string;
}

export interface Decider {
  readonly policies: readonly Policy[];
  /** Names of policies in the cluster that cannot be read; what they would cover is not known. */
  readonly unreadable: readonly string[];
  readonly noMatch: 'allow' | 'deny' | 'warn';
  /** Digest of a tag; undefined when the registry has none. Throws when it does not answer. */
  resolve(image: ImageReference, request: AdmissionRequest): Promise<string | undefined>;
  verify(
    image: ImageReference & { readonly digest: string },
    given: string,
    request: AdmissionRequest,
  ): Promise<Verdict>;
}

/** Path of the pod's specification, by kind. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  pods: ['spec'],
  deployments: ['spec', 'template', 'spec'],
  replicasets: ['spec', 'template', 'spec'],
  statefulsets: ['spec', 'template', 'spec'],
  daemonsets: ['spec', 'template', 'spec'],
  jobs: ['spec', 'template', 'spec'],
  cronjobs: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};
const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export function podSpecOf(
  request: AdmissionRequest,
  object: PodOwner | null | undefined,
): Readonly<Record<string, unknown>> | undefined {
  let value: unknown = object;
  for (const key of podPaths[request.resource.resource] ?? []) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

export function imagesIn(request: AdmissionRequest, object = request.object): ImagePlace[] {
  const path = podPaths[request.resource.resource] ?? [];
  const spec = podSpecOf(request, object);
  return lists.flatMap((list) => {
    const containers = spec?.[list];
    if (!Array.isArray(containers)) return [];
    return containers.flatMap((container: { image?: unknown }, at): ImagePlace[] =>
      typeof container?.image === 'string'
        ? [
            {
              image: container.image,
              field: `${path.join('.')}.${list}[${at}].image`,
              pointer: `/${[...path, list, String(at), 'image'].join('/')}`,
            },
          ]
        : [],
    );
  });
}

/** A pod may hold a thousand images, and other requests wait as well. */
const mostImagesAtOnce = 32;

/** Puts digests where tags are. A registry that does not answer changes nothing; the other webhook then says so. */
export async function mutate(request: AdmissionRequest, decider: Decider): Promise<AdmissionResponse> {
  const response = { uid: request.uid, allowed: true } as const;
  if (isLeftAlone(request)) return response;
  const digests = new Map<string, Promise<string | undefined>>();
  const patch: object[] = [];
  await forEachConcurrently(imagesIn(request), mostImagesAtOnce, async ({ image, pointer }) => {
    const reference = parseReference(image);
    if (reference === undefined || reference.digest !== undefined) return;
    const known = digests.get(image) ?? decider.resolve(reference, request).catch(() => undefined);
    digests.set(image, known);
    const digest = await known;
    if (digest !== undefined) patch.push({ op: 'replace', path: pointer, value: normalForm({ ...reference, digest }) });
  });
  if (patch.length === 0) return response;
  return { ...response, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
}

export async function validate(request: AdmissionRequest, decider: Decider): Promise<AdmissionResponse> {
  if (isLeftAlone(request)) return { uid: request.uid, allowed: true };
  const denials: string[] = [];
  const warnings: string[] = [];
  // The same image in many containers is decided once.
  const verdicts = new Map<string, Promise<Verdict>>();
  const before = new Set(
    request.operation === 'UPDATE' ? imagesIn(request, request.oldObject).map(({ image }) => image) : [],
  );
  const places = imagesIn(request).filter(({ image }) => !isUnchangedPod(request, before, image));
  await forEachConcurrently(places, mostImagesAtOnce, async ({ image, field }, at) => {
    const reference = parseReference(image);
    if (reference?.digest === undefined) {
      denials[at] = `invalid value: ${image} must be an image digest: ${field}`;
      return;
    }
    const known = verdicts.get(image) ?? decider.verify({ ...reference, digest: reference.digest }, image, request);
    verdicts.set(image, known);
    const verdict = await known;
    if (decider.unreadable.length > 0) {
      denials[at] = `policies that cannot be read: ${decider.unreadable.join(', ')}: ${field}\n${verdict.image}`;
      return;
    }
    if (verdict.policies.length === 0) {
      const text = `no matching policies: ${field}\n${verdict.image}`;
      if (decider.noMatch === 'deny') denials[at] = text;
      if (decider.noMatch === 'warn') warnings.push(text);
      return;
    }
    const failed = verdict.policies.filter(({ result }) => result === 'FAIL');
    if (failed.length > 0) denials[at] = failed.map((one) => denial(one, field, verdict.image)).join(', ');
    for (const one of verdict.policies) if (one.result === 'WARN') warnings.push(denial(one, field, verdict.image));
  });
  const found = denials.filter((one) => one !== undefined);
  const notices = warnings.length === 0 ? {} : { warnings: warnings.map(oneLine) };
  if (found.length === 0) return { uid: request.uid, allowed: true, ...notices };
  return refuse(request.uid, `validation failed: ${found.join(', ')}`, notices);
}

const denial = ({ name, messages }: PolicyVerdict, field: string, image: string): string =>
  `failed policy: ${name}: ${field}\n${image} ${messages.join(' ')}`;

/** The API server drops a warning that holds a newline, and cuts one behind 256 characters. */
const oneLine = (text: string): string => text.replaceAll('\n', ' ').slice(0, 250);

export const refuse = (
  uid: string,
  message: string,
  more: Pick<AdmissionResponse, 'warnings'> = {},
): AdmissionResponse => ({
  uid,
  allowed: false,
  status: { code: 400, reason: 'BadRequest', message },
  ...more,
});

/** Returns what goes away or becomes less is not looked at again. */
function isLeftAlone(request: AdmissionRequest): boolean {
  const { object, resource, subResource } = request;
  if (object === null || object === undefined) return true;
  if (object.metadata?.deletionTimestamp !== undefined) return true;
  if (isScaledDown(request)) return true;
  if (subResource !== undefined && subResource !== '' && subResource !== 'ephemeralcontainers') return true;
  return podPaths[resource.resource] === undefined;
}

/** The same images for fewer pods, so that what breaks a policy by now can be taken away. */
function isScaledDown(request: AdmissionRequest): boolean {
  const { operation, object, oldObject } = request;
  const [now, before] = [object?.spec?.['replicas'], oldObject?.spec?.['replicas']];
  if (operation !== 'UPDATE' || typeof now !== 'number' || typeof before !== 'number' || now >= before) return false;
  const images = (of: PodOwner | null | undefined) => JSON.stringify(imagesIn(request, of));
  return images(object) === images(oldObject);
}

/** A pod that runs can only get other images; those that it has were decided when it came. */
const isUnchangedPod = (
  { operation, resource }: AdmissionRequest,
  before: ReadonlySet<string>,
  image: string,
): boolean => operation === 'UPDATE' && resource.resource === 'pods' && before.has(image);

export const workloadOf = ({ resource, object }: AdmissionRequest): Workload => ({
  group: resource.group,
  version: resource.version,
  resource: resource.resource,
  labels: object?.metadata?.labels ?? {},
});
