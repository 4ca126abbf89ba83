// Memory of the agent for 10,000 workloads, beside the JSON that they are: the objects go through the real watch, inventory and
// mirror, from a client that lists them as an API server does. Prints a ratio; 3 is what is promised.
//
//   node --expose-gc --import tsx scripts/enforce/memory.mts [COUNT]

import { createInventory } from '../../src/enforce/agent/inventory.ts';
import { Mirror } from '../../src/enforce/agent/mirror.ts';
import type { KubernetesClient, KubernetesObject } from '../../src/kubernetes/client.ts';
import { follow } from '../../src/kubernetes/follow.ts';

const count = Number(process.argv[2] ?? 10_000);
const hex = (at: number, length: number) => at.toString(16).padStart(length, '0');
const uid = (kind: number, at: number) => `${hex(kind, 8)}-0000-4000-8000-${hex(at, 12)}`;
const namespaces = 20;

/** A pod as a kubelet leaves it, about four kilobytes. */
function podOf(at: number): object {
  const digest = `sha256:${hex(at % 500, 64)}`;
  const image = `registry.example.com/team-${at % 40}/service-${at % 500}@${digest}`;
  const name = `service-${at % 500}-7d9c6b5f4d-${hex(at, 5)}`;
  return {
    metadata: {
      name,
      generateName: `service-${at % 500}-7d9c6b5f4d-`,
      namespace: `namespace-${at % namespaces}`,
      uid: uid(2, at),
      resourceVersion: String(100_000 + at),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: `service-${at % 500}`, 'pod-template-hash': '7d9c6b5f4d', team: `team-${at % 40}` },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: uid(3, at % 500), controller: true },
      ],
      managedFields: Array.from({ length: 3 }, (_, part) => ({
        manager: 'kubelet',
        operation: 'Update',
        apiVersion: 'v1',
        fieldsV1: {
          'f:status': Object.fromEntries(Array.from({ length: 8 }, (_x, n) => [`f:field-${part}-${n}`, {}])),
        },
      })),
    },
    spec: {
      containers: ['main', 'sidecar'].map((container) => ({
        name: container,
        image,
        env: Array.from({ length: 10 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value ${n} of ${name}` })),
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '128Mi' } },
        volumeMounts: [{ name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
      })),
      serviceAccountName: 'default',
      nodeName: `node-${at % 100}`,
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      })),
      containerStatuses: ['main', 'sidecar'].map((container) => ({
        name: container,
        image,
        imageID: image,
        ready: true,
        restartCount: 0,
        containerID: `containerd://${hex(at, 64)}`,
      })),
    },
  };
}

const texts = Array.from({ length: count }, (_, at) => JSON.stringify(podOf(at)));
const bytes = texts.reduce((sum, text) => sum + text.length, 0);
const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run it with --expose-gc');
const used = () => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};

const mirror = new Mirror();
const inventory = createInventory(mirror, async () => undefined);
for (let at = 0; at < namespaces; at += 1) {
  inventory.namespace({ metadata: { name: `namespace-${at}`, uid: uid(1, at), resourceVersion: '1' } });
}
const before = used();
const end = new AbortController();
const client = {
  list: async () => ({
    // In pages, as the server gives them, so that no page outlives its reading.
    items: texts.map((text) => JSON.parse(text) as KubernetesObject),
    resourceVersion: '1',
  }),
  watch: (_path: string, _version: string, _event: unknown, signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
} as unknown as KubernetesClient;
const ready = new Promise<void>((resolve) => {
  void follow(
    client,
    '/api/v1/pods',
    {
      upsert: (object) => inventory.workload(object, 'Pod', 'v1'),
      remove: (object) => inventory.removeWorkload(object),
      ready: resolve,
      failed: (error) => console.error(error),
    },
    end.signal,
  );
});
await ready;
const held = used() - before;
let reports = 0;
const sink = {
  report: async () => {
    reports += 1;
    return 'taken' as const;
  },
};
await mirror.flush(sink, { agentVersion: '1', version: '1', active: () => [], isWhole: () => true }, []);
const mib = (value: number) => `${(value / 1024 / 1024).toFixed(1)} MiB`;
console.log(
  `${count} pods are ${mib(bytes)} of JSON; the agent holds ${mib(held)} for them: ratio ${(held / bytes).toFixed(2)}`,
);
console.log(`told in ${reports} reports; ${mib(used() - before)} afterwards; ${inventory.images.size} images`);
end.abort();
