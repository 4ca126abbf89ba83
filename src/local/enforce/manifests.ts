// Builds the manifests of a cluster (enforce.md 1.1 and 1.2), in two parts as the API has them: what every agent needs,
// and what the profile enforcer adds. Guarantees: the service account can do what is listed here and no more; opt-out
// mode never covers the namespaces that a cluster or its agent cannot run without.

import { stringify } from 'yaml';
import type { TenantClusterConfigRequestEnforcerOptions } from '../../api/schema/types/tenant.gen.ts';
import { invalidArgument } from '../core/failures.ts';
import type { PlatformUrls } from '../core/types.ts';

export const profiles = [
  {
    name: 'observer',
    description: 'Watches workloads and tells which images break a policy. Changes and denies nothing.',
    dependencies: [] as string[],
  },
  {
    name: 'enforcer',
    description: 'Denies workloads whose images break a policy, in the namespaces that are chosen for it.',
    dependencies: ['observer'],
  },
] as const;

export type EnforcerOptions = TenantClusterConfigRequestEnforcerOptions;

export interface ClusterConfig {
  /** YAML. */
  readonly mcp: string;
  readonly tenant: string;
  /** With the profiles that these need. */
  readonly names: readonly string[];
}

/**
 * The chosen ones and what they need, in the order of their dependencies. Throws INVALID_ARGUMENT for an unknown one.
 */
export function orderedProfiles(wanted: readonly string[]): string[] {
  const unknown = wanted.find((name) => !profiles.some((profile) => profile.name === name));
  if (unknown !== undefined) {
    const known = profiles.map(({ name }) => name).join(', ');
    throw invalidArgument(`profiles: ${JSON.stringify(unknown)} is not a profile; there is ${known}`);
  }
  const needed = new Set(wanted.length === 0 ? ['enforcer'] : wanted);
  for (const { name, dependencies } of [...profiles].reverse()) {
    if (needed.has(name)) for (const one of dependencies) needed.add(one);
  }
  return profiles.map(({ name }) => name as string).filter((name) => needed.has(name));
}

export function configOf(wanted: readonly string[], options: EnforcerOptions, urls: PlatformUrls): ClusterConfig {
  const names = orderedProfiles(wanted);
  return {
    names,
    mcp: toYaml(agentObjects(names.includes('enforcer'), urls)),
    tenant: toYaml(names.includes('enforcer') ? enforcerObjects(options) : []),
  };
}

const toYaml = (objects: readonly object[]): string =>
  objects.map((one) => `---\n${stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('');

const labels = { 'app.kubernetes.io/managed-by': 'chainctl', 'app.kubernetes.io/part-of': 'chainguard-enforce' };
const agent = { name: 'controller', namespace: 'gulfstream' };
const subjects = [{ kind: 'ServiceAccount', ...agent }];
const webhookName = 'enforcer.chainguard.dev';
const rbac = 'rbac.authorization.k8s.io';
const readOnly = ['get', 'list', 'watch'];

function agentObjects(enforces: boolean, urls: PlatformUrls): object[] {
  const readable = [
    { apiGroups: [''], resources: ['namespaces', 'nodes', 'pods'], verbs: readOnly },
    {
      apiGroups: ['apps'],
      resources: ['daemonsets', 'deployments', 'replicasets', 'statefulsets'],
      verbs: readOnly,
    },
    { apiGroups: ['batch'], resources: ['cronjobs', 'jobs'], verbs: readOnly },
    {
      apiGroups: ['policy.sigstore.dev'],
      resources: ['clusterimagepolicies'],
      verbs: [...readOnly, 'create', 'update', 'patch', 'delete'],
    },
    { apiGroups: ['policy.sigstore.dev'], resources: ['trustroots'], verbs: readOnly },
  ];
  const enforcing = [
    // Pull secrets lie beside the workloads that name them.
    { apiGroups: [''], resources: ['secrets', 'serviceaccounts'], verbs: ['get'] },
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
      resourceNames: [webhookName],
      verbs: ['get', 'update', 'patch'],
    },
  ];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gulfstream', labels } },
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: 'cosign-system',
        labels: { ...labels, 'policy.sigstore.dev/include': 'false', 'policy.sigstore.dev/exclude': 'true' },
      },
    },
    policyDefinition,
    trustRootDefinition,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...agent, labels } },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'gulfstream-controller', labels },
      rules: enforces ? [...readable, ...enforcing] : readable,
    },
    bindingOf('ClusterRoleBinding', { name: 'gulfstream-controller', labels }, 'ClusterRole', 'gulfstream-controller'),
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name: 'controller', namespace: 'gulfstream', labels },
      rules: [
        // It runs outside the cluster, and its tokens last for ten minutes.
        { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [agent.name], verbs: ['create'] },
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['mcp-creds'], verbs: ['get'] },
      ],
    },
    bindingOf('RoleBinding', { name: 'controller', namespace: 'gulfstream', labels }, 'Role', 'controller'),
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name: 'controller', namespace: 'cosign-system', labels },
      rules: [{ apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: readOnly }],
    },
    bindingOf('RoleBinding', { name: 'controller', namespace: 'cosign-system', labels }, 'Role', 'controller'),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config-gulfstream', namespace: 'gulfstream', labels },
      data: { api: urls.api, issuer: urls.issuer },
    },
  ];
}

function enforcerObjects(options: EnforcerOptions): object[] {
  const failurePolicy = options.webhookFailOpen === true ? 'Ignore' : 'Fail';
  // OptOut is the zero of its enum, so a message without the field says it; no message at all means opt-in.
  const optsOut = Object.keys(options).length > 0 && options.namespaceEnforcementMode !== 'OptIn';
  const namespaceSelector = {
    matchExpressions: optsOut
      ? [
          { key: 'policy.sigstore.dev/exclude', operator: 'NotIn', values: ['true'] },
          {
            key: 'kubernetes.io/metadata.name',
            operator: 'NotIn',
            values: ['kube-system', 'gulfstream', 'cosign-system'],
          },
        ]
      : [
          { key: 'policy.sigstore.dev/include', operator: 'In', values: ['true'] },
          // No policy may lock out those who could take it back.
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['gulfstream', 'cosign-system'] },
        ],
  };
  const workloads = [
    rule('', ['v1'], ['pods']),
    rule('apps', ['v1'], ['deployments', 'replicasets', 'statefulsets', 'daemonsets']),
    rule('batch', ['v1'], ['jobs', 'cronjobs']),
  ];
  const webhook = (path: string, rules: readonly object[]) => ({
    name: webhookName,
    admissionReviewVersions: ['v1'],
    // The agent writes where it can be reached. Until then nothing answers, and what nothing answered is refused.
    clientConfig: { service: { name: 'webhook', namespace: 'gulfstream', port: 443, path } },
    failurePolicy,
    matchPolicy: 'Equivalent',
    namespaceSelector,
    rules,
    sideEffects: 'None',
    timeoutSeconds: 25,
  });
  const kind = (name: string) => ({ apiVersion: 'admissionregistration.k8s.io/v1', kind: name });
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config-policy-controller', namespace: 'cosign-system', labels },
      data: { 'no-match-policy': 'deny' },
    },
    {
      ...kind('MutatingWebhookConfiguration'),
      metadata: { name: webhookName, labels },
      webhooks: [{ ...webhook('/mutations', workloads), reinvocationPolicy: 'IfNeeded' }],
    },
    {
      ...kind('ValidatingWebhookConfiguration'),
      metadata: { name: webhookName, labels },
      webhooks: [webhook('/validations', [rule('', ['v1'], ['pods/ephemeralcontainers']), ...workloads])],
    },
  ];
}

const rule = (group: string, apiVersions: readonly string[], resources: readonly string[]) => ({
  apiGroups: [group],
  apiVersions,
  operations: ['CREATE', 'UPDATE'],
  resources,
  scope: 'Namespaced',
});

const bindingOf = (kind: string, metadata: object, role: string, name: string) => ({
  apiVersion: `${rbac}/v1`,
  kind,
  metadata,
  roleRef: { apiGroup: rbac, kind: role, name },
  subjects,
});

const policyVersion = (name: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
});

/** The platform checks documents before they are given out, so the definition leaves the fields open. */
const definition = (kind: string, names: object, versions: readonly object[]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase().replace(/y$/, 'ie')}s.policy.sigstore.dev`, labels },
  spec: {
    group: 'policy.sigstore.dev',
    names: { kind, listKind: `${kind}List`, singular: kind.toLowerCase(), ...names },
    scope: 'Cluster',
    versions,
  },
});
const policyDefinition = definition('ClusterImagePolicy', { plural: 'clusterimagepolicies', shortNames: ['cip'] }, [
  policyVersion('v1alpha1', false),
  policyVersion('v1beta1', true),
]);
const trustRootDefinition = definition('TrustRoot', { plural: 'trustroots' }, [policyVersion('v1alpha1', true)]);
