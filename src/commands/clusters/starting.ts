// Starts the agent that an installation leaves behind, beside the platform or in a pod, and waits until it reports.

import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import type { Context } from '../../cli/context.ts';
import type { WebhookAddress } from '../../enforce/webhook/probe.ts';
import { CliError } from '../../errors.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import { type AgentFile, agentLog, readAgent, writeAgent } from './agent-folder.ts';
import { podName, podObjects, toYaml } from './pod-manifests.ts';
import type { Registration } from './registering.ts';

const agentWaitMs = 60_000;

export async function prepareAgent(
  context: Context,
  kubectl: Kubectl,
  remoteId: string,
  address: WebhookAddress,
  before: AgentFile | undefined,
): Promise<AgentFile> {
  const view = JSON.parse(await kubectl.run(['config', 'view', '--minify', '--raw', '--flatten', '--output=json'])) as {
    clusters?: { cluster: { server: string; 'certificate-authority-data'?: string } }[];
  };
  const cluster = view.clusters?.[0]?.cluster;
  if (cluster === undefined)
    throw new CliError('usage', 'The kubeconfig has no cluster for this context', { code: 'usage.kubectl-context' });
  const token = (
    await kubectl.run(['create', 'token', 'controller', '--namespace=gulfstream', '--duration=24h'])
  ).trim();
  return {
    remoteId,
    server: cluster.server,
    ca: Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64').toString('utf8'),
    token,
    expiresAt: context.host.now() + 24 * 3_600_000,
    identity: before?.identity ?? '',
    cluster: before?.cluster ?? '',
    api: context.config.get('platform.api'),
    issuer: context.config.get('platform.issuer'),
    webhookAddress: address.host,
    webhookListen: address.listen,
    context: kubectl.context,
    pid: 0,
  };
}

/** Returns the agent with its registration where it was installed before, beside the platform or in a pod. */
export async function registeredBefore(context: Context, kubectl: Kubectl, agent: AgentFile): Promise<AgentFile> {
  if (agent.cluster !== '') return agent;
  const secret = await kubectl.find(['get', 'secret', 'mcp-creds', '--namespace=gulfstream']);
  const data = (secret?.['data'] ?? {}) as { 'identity-uid'?: string };
  const identity = Buffer.from(data['identity-uid'] ?? '', 'base64').toString();
  if (identity === '') return agent;
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', { remoteId: agent.remoteId });
  return { ...agent, identity, cluster: items[0]?.id ?? '' };
}

export const stopPod = (kubectl: Kubectl): Promise<string> =>
  kubectl.run(['delete', 'statefulset', podName, '--namespace=gulfstream', '--ignore-not-found']);

export async function startAgent(context: Context, folder: string, agent: AgentFile): Promise<number> {
  writeAgent(folder, { ...(readAgent(folder) ?? agent), identity: agent.identity, cluster: agent.cluster });
  const { pid } = await context.host.startAgain(['local', 'agent', agent.remoteId], `${folder}/agent.log`);
  return pid;
}

/** Leaves who the agent is in the cluster, and the pod that runs it. */
export async function startPod(
  kubectl: Kubectl,
  image: string,
  { identity }: AgentFile,
  { name, description }: Registration,
): Promise<undefined> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'mcp-creds', namespace: 'gulfstream' },
    stringData: {
      'identity-uid': identity,
      'cluster-name': name ?? kubectl.context,
      'cluster-description': description ?? '',
    },
  };
  await kubectl.run(['apply', '--filename=-'], toYaml([secret, ...podObjects(image)]));
}

export async function activityOf(context: Context, { cluster }: AgentFile): Promise<TenantCluster> {
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', { id: cluster });
  return items[0] ?? {};
}

/** Until it has reported anew with what it was told to do. */
export async function waitForAgent(
  context: Context,
  agent: AgentFile,
  folder: string,
  pid: number | undefined,
  before: TenantCluster['activity'] = {},
): Promise<void> {
  for (let waited = 0; waited < agentWaitMs; waited += 500) {
    const { activity = {}, profiles = [] } = await activityOf(context, agent);
    // An agent that was stopped for this one may have reported a moment ago.
    const hasStarted = (profile: string) => (activity[profile]?.lastSeen ?? '') !== (before[profile]?.lastSeen ?? '');
    if (profiles.every(hasStarted)) return;
    if (pid !== undefined && !context.host.signalProcess(pid, 0)) break;
    await context.host.sleep(500, context.signal);
  }
  if (pid === undefined) {
    throw new CliError('local', 'The agent in its pod does not report', {
      code: 'local.agent',
      hint: 'see `kubectl --namespace=gulfstream logs statefulset/meta-controlplane`',
    });
  }
  throw new CliError('local', 'The agent does not report', {
    code: 'local.agent',
    details: agentLog(folder)
      .split('\n')
      .filter((line) => line !== ''),
    hint: `see ${folder}/agent.log, and start it again with \`chainctl local agent ${agent.remoteId}\``,
  });
}
