// The objects of an agent inside its cluster (enforce.md 1.1), beside those that the platform says. Guarantees: its container
// has no rights on its node and writes to folders of its own only; the token for the platform is renewed by the kubelet.

import { stringify } from 'yaml';

const namespace = 'gulfstream';
export const podName = 'meta-controlplane';
const labels = { 'app.kubernetes.io/name': podName, 'app.kubernetes.io/managed-by': 'chainctl' };
const port = 8443;

/** `image` holds chainctl on its PATH. One replica: two would tell the platform the same twice. */
export const podObjects = (image: string): object[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'webhook', namespace, labels },
    spec: { selector: { 'app.kubernetes.io/name': podName }, ports: [{ name: 'https', port: 443, targetPort: port }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: podName, namespace, labels },
    spec: {
      serviceName: 'webhook',
      replicas: 1,
      selector: { matchLabels: { 'app.kubernetes.io/name': podName } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: 'controller',
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            runAsGroup: 65_532,
            fsGroup: 65_532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [container(image)],
          volumes: [
            { name: 'home', emptyDir: {} },
            {
              name: 'sts-in',
              projected: {
                sources: [
                  { serviceAccountToken: { audience: 'gulfstream', expirationSeconds: 600, path: 'oidc-token' } },
                ],
              },
            },
          ],
        },
      },
    },
  },
];

const container = (image: string): object => ({
  name: 'controller',
  image,
  command: ['chainctl', 'local', 'agent', '--in-cluster'],
  env: [
    { name: 'HOME', value: '/home/agent' },
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    fromConfig('CHAINGUARD_PLATFORM_API', 'api'),
    fromConfig('CHAINGUARD_PLATFORM_AUDIENCE', 'api'),
    fromConfig('CHAINGUARD_PLATFORM_ISSUER', 'issuer'),
    fromSecret('IDENTITY_UID', 'identity-uid'),
    fromSecret('INVITE_CODE', 'code'),
    fromSecret('CHAINGUARD_CLUSTER_NAME', 'cluster-name'),
    fromSecret('CHAINGUARD_CLUSTER_DESCRIPTION', 'cluster-description'),
  ],
  ports: [{ name: 'https', containerPort: port }],
  readinessProbe: { tcpSocket: { port } },
  resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '1', memory: '1Gi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [
    { name: 'home', mountPath: '/home/agent' },
    { name: 'sts-in', mountPath: '/var/run/sts-in', readOnly: true },
  ],
});

const fromConfig = (variable: string, key: string): object => ({
  name: variable,
  valueFrom: { configMapKeyRef: { name: 'config-gulfstream', key } },
});

const fromSecret = (variable: string, key: string): object => ({
  name: variable,
  valueFrom: { secretKeyRef: { name: 'mcp-creds', key, optional: true } },
});

export const toYaml = (objects: readonly object[]): string =>
  objects.map((one) => `---\n${stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('');
