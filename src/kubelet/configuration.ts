// The two files a cluster needs before its kubelets ask the credential provider: the kubelet's own configuration, and the
// right of nodes to get tokens for the issuer (ServiceAccountNodeAudienceRestriction, on since Kubernetes 1.33).

import { Document } from 'yaml';
import { providerApi, providerName } from './names.ts';

export interface ProviderSettings {
  readonly identity: string;
  readonly issuer: string;
  /** Host of the registry, with its port. */
  readonly registry: string;
}

export interface ConfigurationFile {
  readonly name: string;
  readonly content: string;
}

/** Returns the file of each node first, then the manifest for the cluster. */
export function providerFiles(settings: ProviderSettings): readonly ConfigurationFile[] {
  const { identity, issuer, registry } = settings;
  const [host = registry] = registry.split(':');
  const isName = /[a-z]/.test(host) && host.includes('.');
  const provider = {
    apiVersion: 'kubelet.config.k8s.io/v1',
    kind: 'CredentialProviderConfig',
    providers: [
      {
        name: providerName,
        apiVersion: providerApi,
        matchImages: isName ? [registry, `*.${registry}`] : [registry],
        defaultCacheDuration: '10m0s',
        args: [`--identity=${identity}`, `--issuer=${issuer}`, `--registry=${registry}`],
        tokenAttributes: {
          serviceAccountTokenAudience: issuer,
          // The answer depends on the service account and not on the pod.
          cacheType: 'ServiceAccount',
          requireServiceAccount: true,
        },
      },
    ],
  };
  const name = 'chainctl-image-pull-audience';
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [{ apiGroups: [''], verbs: ['request-serviceaccounts-token-audience'], resources: [issuer] }],
  };
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
  };
  return [
    { name: 'credential-provider-config.yaml', content: yaml(provider) },
    { name: 'node-token-audience.yaml', content: `${yaml(role)}---\n${yaml(binding)}` },
  ];
}

const yaml = (value: object) => new Document(value).toString({ lineWidth: 0 });
