// The agent inside a pod: what a kubelet puts there says who it is and where the API server stands (Kubernetes,
// "Accessing the Kubernetes API from a Pod"; enforce.md 1.1). Guarantees: tokens are read anew each time, because the
// kubelet replaces them; nothing is written.

import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { registerCluster } from '../../api/registration.ts';
import { exchange } from '../../api/sts.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { toFileError } from '../../files.ts';
import { createKubernetesClient, type KubernetesAccess } from '../../kubernetes/client.ts';
import { reportedClusters } from './reported-clusters.ts';
import { serve } from './serve-agent.ts';

export interface InClusterInput {
  /** Folder with `token` and `ca.crt`. */
  readonly serviceAccount: string;
  /** Token of the service account with audience gulfstream. */
  readonly identityToken: string;
  readonly webhookPort: number;
}

const webhookService = { namespace: 'gulfstream', name: 'webhook', port: 443 } as const;
/** Milliseconds. An access token of the platform lasts for an hour at least. */
const tokenLife = 30 * 60_000;

export async function serveInCluster(context: Context, input: InClusterInput): Promise<void> {
  const kubernetes = inClusterAccess(context, input.serviceAccount);
  const remoteId = await clusterOf(kubernetes);
  const api = context.config.get('platform.api');
  const platform = platformOf(context, api, input.identityToken);
  const cluster = (await platform.clusterOf(remoteId)) ?? (await platform.register(remoteId));
  await serve(context, {
    kubernetes,
    api,
    cluster,
    platformToken: platform.token,
    webhook: {
      place: { service: webhookService },
      listen: context.host.env['POD_IP'] || undefined,
      port: input.webhookPort,
    },
  });
}

/** Where kubelets put what a pod shows to the API server. */
export const defaultServiceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where the pod that `clusters install --agent-image` makes has its token for the platform. */
export const podToken = '/var/run/sts-in/oidc-token';

/** Returns the uid that names the cluster. */
export async function clusterOf(kubernetes: KubernetesAccess): Promise<string> {
  const client = createKubernetesClient(kubernetes);
  const namespace = await client.get('/api/v1/namespaces/gulfstream').finally(() => client.close());
  if (namespace !== undefined) return namespace.metadata.uid;
  throw new CliError('local', 'The cluster has no namespace gulfstream, whose uid names it', {
    code: 'local.not-in-cluster',
    hint: 'apply what `chainctl clusters print-config` prints',
  });
}

export function inClusterAccess({ host: { env } }: Context, folder: string): KubernetesAccess {
  const { KUBERNETES_SERVICE_HOST: address, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (!address) {
    throw new CliError('local', 'This is no pod: KUBERNETES_SERVICE_HOST is not set', {
      code: 'local.not-in-cluster',
      hint: 'leave `--in-cluster` out to run the agent beside the platform',
    });
  }
  return {
    server: `https://${isIPv6(address) ? `[${address}]` : address}:${port}`,
    ca: readText(join(folder, 'ca.crt')),
    token: async () => readText(join(folder, 'token')).trim(),
  };
}

function platformOf(context: Context, api: string, tokenFile: string) {
  const { host, signal } = context;
  const issuer = context.config.get('platform.issuer');
  const { IDENTITY_UID: identity = '', INVITE_CODE: code = '' } = host.env;
  if (identity === '') {
    throw new CliError('usage', 'IDENTITY_UID is not set, so the platform cannot tell who the agent is', {
      code: 'usage.no-agent',
      hint: 'put the id of its identity under `identity-uid` into Secret gulfstream/mcp-creds, as `chainctl clusters install --agent-image` does',
    });
  }
  let issued = { token: '', until: 0 };
  const token = async (): Promise<string> => {
    if (issued.until > host.now()) return issued.token;
    const given = await exchange(host, {
      issuer,
      token: readText(tokenFile).trim(),
      audience: [api],
      identity,
      signal,
    });
    issued = { token: given.token, until: host.now() + tokenLife };
    return issued.token;
  };
  const clusterOf = async (remoteId: string): Promise<string | undefined> => {
    const clusters = await reportedClusters(context, api, await token());
    if ('refused' in clusters) throw refused(clusters.refused);
    return clusters.find((one) => one.remoteId === remoteId)?.id;
  };
  return {
    token,
    clusterOf,
    /** With the invite that the pod was given, once: it is used up by that. */
    async register(remoteId: string): Promise<string> {
      if (code === '') throw refused(`the identity ${identity} reports for no cluster with the id ${remoteId}`);
      await registerCluster(host, {
        issuer,
        token: readText(tokenFile).trim(),
        code,
        clusterId: remoteId,
        identityId: identity,
        clusterName: host.env['CHAINGUARD_CLUSTER_NAME'] || remoteId,
        clusterDescription: host.env['CHAINGUARD_CLUSTER_DESCRIPTION'] ?? '',
        signal,
      });
      issued = { token: '', until: 0 };
      const cluster = await clusterOf(remoteId);
      if (cluster === undefined) throw refused('it was registered and cannot be found');
      return cluster;
    },
  };
}

const refused = (reason: string): CliError =>
  new CliError('api', `The platform does not take this cluster: ${reason}`, {
    code: 'api.refused',
    hint: 'register it with `chainctl clusters install`',
  });

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw toFileError(error, 'read', path);
  }
}
