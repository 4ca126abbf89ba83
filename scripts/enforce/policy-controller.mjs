// sigstore's policy-controller outside of a cluster, beside our agent and with other namespaces than it: what the benchmark
// compares with. It listens on port 8443 of every address (its --secure-port is not read), so this is for a machine without
// neighbors. Guarantees: what was started is ended.

import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const port = 8443;
const configurationName = 'policy.sigstore.dev';
const system = 'cosign-system';

/** Label of the namespaces that it decides about. */
export const theirLabel = 'policy-controller-decides=true';

const service = { name: 'webhook', namespace: system, port };
const webhook = (name, more) => ({
  name,
  admissionReviewVersions: ['v1'],
  clientConfig: { service },
  failurePolicy: 'Fail',
  sideEffects: 'None',
  timeoutSeconds: 25,
  ...more,
});
const inNamespaces = {
  namespaceSelector: {
    matchExpressions: [{ key: 'policy-controller-decides', operator: 'In', values: ['true'] }],
  },
};

/** What its release applies, without the pods: the namespace and the definitions are those of our own installation. */
const objects = [
  // The API server finds a service that is a name where that name leads.
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'webhook', namespace: system },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port, protocol: 'TCP' }] },
  },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'webhook-certs', namespace: system } },
  ...[
    'config-image-policies',
    'config-sigstore-keys',
    'config-logging',
    'config-observability',
    'config-leader-election',
  ].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: system } })),
  ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: configurationName },
    webhooks: [
      webhook(configurationName, {
        ...inNamespaces,
        ...(kind.startsWith('Mutating') ? { reinvocationPolicy: 'IfNeeded' } : {}),
      }),
    ],
  })),
];

/** Starts it and resolves when it has told the API server where it is. `program` is built from its cmd/webhook. */
export async function startPolicyController(program, { kubeconfig, kubectl }, folder) {
  await requireFree();
  const applied = kubectl(['apply', '--filename=-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  });
  if (applied.status !== 0) throw new Error(`policy-controller is not set up: ${applied.stderr}`);
  const log = join(folder, 'policy-controller.log');
  const out = openSync(log, 'a');
  const child = spawn(program, ['--disable-tuf'], {
    stdio: ['ignore', out, out],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      KUBECONFIG: kubeconfig,
      SYSTEM_NAMESPACE: system,
      CONFIG_LOGGING_NAME: 'config-logging',
      METRICS_DOMAIN: 'sigstore.dev/policy',
      WEBHOOK_NAME: 'webhook',
      KUBERNETES_MIN_VERSION: '1.21.0',
    },
  });
  const isReady = () =>
    ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration'].every((kind) => {
      const { stdout } = kubectl(['get', kind, configurationName, '--output=json']);
      return JSON.parse(stdout || '{}').webhooks?.[0]?.clientConfig.caBundle !== undefined;
    });
  for (let tried = 0; tried < 120; tried += 1) {
    if (child.exitCode !== null) throw new Error(`policy-controller ended:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    if (isReady()) {
      return { pid: child.pid, log, stop: () => child.kill() };
    }
    await sleep(500);
  }
  child.kill();
  throw new Error(`policy-controller is not ready:\n${readFileSync(log, 'utf8').slice(-2000)}`);
}

function requireFree() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', () =>
      reject(new Error(`port ${port}, which policy-controller needs, is in use`)),
    );
    server.listen(port, () => server.close(resolve));
  });
}
