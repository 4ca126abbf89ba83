// The workloads of a cluster as records: who owns whom, and which images run. Guarantees: an image is known by its
// digest, from what the kubelet says it runs, else from the registry.

import type { KubernetesObject } from '../../kubernetes/client.ts';
import { type ImageReference, normalForm, parseReference } from '../policy/globs.ts';
import type { Mirror, Path } from './mirror.ts';

export interface RunningImage {
  readonly image: ImageReference & { readonly digest: string };
  /** As the pod spells it. */
  readonly given: string;
  readonly pods: Map<string, KubernetesObject>;
}

export interface Inventory {
  namespace(object: KubernetesObject): void;
  removeNamespace(object: Pick<KubernetesObject, 'metadata'>): void;
  node(object: KubernetesObject): void;
  removeNode(object: Pick<KubernetesObject, 'metadata'>): void;
  workload(object: KubernetesObject, kind: string, apiVersion: string): void;
  removeWorkload(object: Pick<KubernetesObject, 'metadata'>): void;
  /** By normal form. */
  readonly images: ReadonlyMap<string, RunningImage>;
}

interface ContainerStatus {
  readonly name?: string;
  readonly imageID?: string;
}
interface PodShape {
  readonly spec?: Readonly<Record<string, readonly { readonly name?: string; readonly image?: string }[] | undefined>>;
  readonly status?: Readonly<Record<string, readonly ContainerStatus[] | undefined>> & { readonly phase?: string };
}

export const recordPath = (image: string): Path => [['record', image]];

export function createInventory(
  mirror: Mirror,
  resolve: (image: ImageReference, pod: KubernetesObject) => Promise<string | undefined>,
): Inventory {
  const namespaces = new Map<string, string>();
  /** Objects of namespaces that were not told yet, by namespace and uid. */
  const waiting = new Map<string, Map<string, () => void>>();
  const images = new Map<string, RunningImage>();
  const paths = new Map<string, Path>();

  const common = ({ metadata }: KubernetesObject) => ({ labels: JSON.stringify(metadata.labels ?? {}) });

  function addImages(pod: KubernetesObject): void {
    const { spec = {}, status } = pod as unknown as PodShape;
    const kept = lean(pod);
    for (const [list, statuses] of [
      ['initContainers', 'initContainerStatuses'],
      ['containers', 'containerStatuses'],
      ['ephemeralContainers', 'ephemeralContainerStatuses'],
    ] as const) {
      for (const { name, image = '' } of spec[list] ?? []) {
        const reference = parseReference(image);
        if (reference === undefined) continue;
        const imageId = status?.[statuses]?.find((one) => one.name === name)?.imageID ?? '';
        const digest = reference.digest ?? /sha256:[0-9a-f]{64}/.exec(imageId)?.[0];
        if (digest !== undefined) addImage({ ...reference, digest }, image, kept);
        else {
          void resolve(reference, pod).then(
            (found) =>
              found !== undefined &&
              paths.has(pod.metadata.uid) &&
              addImage({ ...reference, digest: found }, image, kept),
            // A registry that does not answer is asked again when the pod changes.
            () => undefined,
          );
        }
      }
    }
  }

  /** Facts needed to decide about its images: who it is, and what it asked for. */
  const lean = ({ metadata, spec }: KubernetesObject): KubernetesObject => {
    const { managedFields: _, ...rest } = metadata as KubernetesObject['metadata'] & { managedFields?: unknown };
    return { metadata: rest, spec };
  };

  function addImage(image: ImageReference & { readonly digest: string }, given: string, pod: KubernetesObject): void {
    const name = normalForm(image);
    const known = images.get(name) ?? { image, given, pods: new Map() };
    known.pods.set(pod.metadata.uid, pod);
    images.set(name, known);
    mirror.set(recordPath(name), name, {});
    mirror.set([...recordPath(name), ['context', pod.metadata.uid]], pod.metadata.name, {
      workload: { remoteId: pod.metadata.uid },
    });
  }

  function dropImages(uid: string): void {
    for (const [name, { pods }] of images) {
      if (!pods.delete(uid)) continue;
      mirror.remove([...recordPath(name), ['context', uid]]);
      // The record stays with the platform: it was seen.
      if (pods.size === 0) images.delete(name);
    }
  }

  const inventory: Inventory = {
    images,
    namespace(object) {
      const { name, uid } = object.metadata;
      namespaces.set(name, uid);
      mirror.set([['namespace', uid]], name, common(object));
      const held = waiting.get(name);
      waiting.delete(name);
      for (const again of held?.values() ?? []) again();
    },
    removeNamespace({ metadata: { name, uid } }) {
      namespaces.delete(name);
      mirror.remove([['namespace', uid]]);
    },
    node(object) {
      const { name, uid } = object.metadata;
      const { nodeInfo = {} } = (object['status'] ?? {}) as { nodeInfo?: Record<string, string> };
      mirror.set([['node', uid]], name, {
        ...common(object),
        operatingSystem: nodeInfo['operatingSystem'] ?? '',
        architecture: nodeInfo['architecture'] ?? '',
        kubeletVersion: nodeInfo['kubeletVersion'] ?? '',
        containerRuntimeVersion: nodeInfo['containerRuntimeVersion'] ?? '',
        kernelVersion: nodeInfo['kernelVersion'] ?? '',
      });
    },
    removeNode: ({ metadata: { uid } }) => mirror.remove([['node', uid]]),
    workload(object, kind, apiVersion) {
      const { name, namespace = '', uid, ownerReferences = [] } = object.metadata;
      const place = namespaces.get(namespace);
      if (place === undefined) {
        const held = waiting.get(namespace) ?? new Map<string, () => void>();
        waiting.set(
          namespace,
          held.set(uid, () => inventory.workload(object, kind, apiVersion)),
        );
        return;
      }
      const path: Path = [
        ['namespace', place],
        ['workload', uid],
      ];
      paths.set(uid, path);
      const owner = ownerReferences.find(({ controller }) => controller === true) ?? ownerReferences[0];
      mirror.set(path, name, {
        ...common(object),
        kind,
        apiVersion,
        ...(owner === undefined ? {} : { ownerId: owner.uid }),
      });
      if (kind !== 'Pod') return;
      const { phase } = (object['status'] ?? {}) as { phase?: string };
      if (phase === 'Succeeded' || phase === 'Failed') dropImages(uid);
      else addImages(object);
    },
    removeWorkload({ metadata: { uid, namespace = '' } }) {
      waiting.get(namespace)?.delete(uid);
      const path = paths.get(uid);
      paths.delete(uid);
      if (path !== undefined) mirror.remove(path);
      dropImages(uid);
    },
  };
  return inventory;
}
