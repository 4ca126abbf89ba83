// Installs the agent of a cluster (enforce.md 1.2). Guarantees: what can be refused is refused before anything is
// applied; what fails later says what to type to take away what was applied.

import { parseAllDocuments } from 'yaml';
import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import type { Context } from '../../cli/context.ts';
import { printable } from '../../cli/io.ts';
import {
  candidateAddresses,
  namedAddress,
  reachableAddress,
  type WebhookAddress,
} from '../../enforce/webhook/probe.ts';
import { CliError } from '../../errors.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import { isLoopbackHost } from '../../loopback.ts';
import {
  type AgentFile,
  agentFolder,
  agentLog,
  readAgent,
  removeAgent,
  requireRoomForAgents,
  stopAgent,
  writeAgent,
} from './agent-folder.ts';
import { kubectlFor } from './kubectl.ts';
import { enforcerOptions } from './options.ts';
import { podName, podObjects, toYaml } from './pod-manifests.ts';
import { type Registration, register } from './registering.ts';
import { deleteWebhooks } from './uninstalling.ts';

export interface InstallInput extends Registration {
  readonly kubeContext: string | undefined;
  readonly skipInvite: boolean;
  readonly profiles: readonly string[];
  readonly opt: readonly string[];
  /** Undefined to find it out. */
  readonly webhookAddress: string | undefined;
  /** Image with chainctl for an agent inside the cluster; undefined for one beside the platform. */
  readonly agentImage: string | undefined;
}

export interface Installed {
  readonly id: string;
  readonly remoteId: string;
  /** Process of the agent; undefined where it runs in a pod. */
  readonly pid?: number | undefined;
}

const agentWaitMs = 60_000;
const webhookName = 'enforcer.chainguard.dev';

export async function install(context: Context, input: InstallInput): Promise<Installed> {
  const { io } = context;
  const kubectl = await kubectlFor(context, input.kubeContext);
  const api = await context.api();
  const options = enforcerOptions(input.opt);
  const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
  const configFor = (profiles: readonly string[]) =>
    api.call('tenant.v1.Clusters.Config', { profiles: [...profiles], enforcerOptions: options });
  let config = await configFor(input.profiles);
  const named = input.webhookAddress === undefined ? undefined : await namedAddress(input.webhookAddress);
  if (input.webhookAddress !== undefined && named === undefined) {
    throw new CliError('usage', `\`--webhook-address\` "${input.webhookAddress}" leads nowhere`, {
      code: 'usage.webhook-address',
      hint: 'name an address of this machine',
    });
  }
  io.note(printable(`Applying to the cluster of context "${kubectl.context}": ${config.profiles?.join(', ')}`));
  const undo = `take away what was applied with \`chainctl clusters uninstall --kube-context=${kubectl.context}\``;
  await requireRights(kubectl);
  requireRoomForAgents(context);
  const { agentImage } = input;
  if (agentImage !== undefined) warnOfLoopback(context);
  try {
    await kubectl.run(['apply', '--filename=-'], decode(config.mcpConfig));
    const remoteId = await remoteIdOf(kubectl);
    const folder = agentFolder(context, remoteId);
    await stopAgent(context, folder);
    // Two would tell the platform the same twice.
    if (agentImage === undefined) await stopPod(kubectl);
    const needsAddress = agentImage === undefined && (config.profiles ?? []).includes('enforcer');
    const address = needsAddress ? await webhookAddress(context, kubectl, named) : loopback;
    if (address === undefined) config = await configFor(['observer']);
    else if (options.namespaceEnforcementMode === 'OptOut') io.warn(optOutWarning);
    const agent = await prepareAgent(context, kubectl, remoteId, address ?? loopback, readAgent(folder));
    writeAgent(folder, agent);
    const registered = input.skipInvite
      ? await registeredBefore(context, kubectl, agent)
      : await register(context, kubectl, folder, agent, input);
    if (registered.cluster === '') {
      throw new CliError(
        'usage',
        'The cluster is not registered yet, so `--skip-invite` has nothing to bring up to date',
        { code: 'usage.invalid' },
      );
    }
    await api.call('tenant.v1.Clusters.Update', {
      id: registered.cluster,
      profiles: config.profiles ?? [],
      enforcerOptions: options,
    });
    const tenant = decode(config.tenantConfig);
    const before = await activityOf(context, registered);
    // A new webhook comes last: until its agent runs it would refuse everything. One that is there refuses already, and is
    // written while no agent writes to it.
    const isThere = (await kubectl.find(['get', 'validatingwebhookconfiguration', webhookName])) !== undefined;
    const applyWebhook = async () =>
      tenant === ''
        ? kubectl.run([...deleteWebhooks], '')
        : kubectl.run(['apply', '--filename=-'], await keepingAddress(kubectl, tenant));
    if (isThere) await applyWebhook();
    const pid =
      agentImage === undefined
        ? await startAgent(context, folder, registered)
        : await startPod(kubectl, agentImage, registered, input);
    if (!isThere) await applyWebhook();
    await waitForAgent(context, registered, folder, pid, before.activity);
    // The pod has tokens of its own.
    if (pid === undefined) removeAgent(folder);
    return { id: registered.cluster, remoteId, ...(pid === undefined ? {} : { pid }) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(error.kind, error.message, {
      code: error.code,
      details: [...error.details, ...(error.hint === undefined ? [] : [error.hint])],
      hint: undo,
      cause: error,
    });
  }
}

/**
 * The agent has written where it is and whom to trust, and a URL may not stand beside the service of the manifests: what
 * the cluster has stays until the agent writes it anew, so that at no time nobody is asked.
 */
async function keepingAddress(kubectl: Kubectl, manifests: string): Promise<string> {
  const documents = parseAllDocuments(manifests).map(
    (one) => one.toJS() as { kind?: string; webhooks?: { clientConfig?: object }[] },
  );
  for (const { kind = '', webhooks } of documents) {
    if (webhooks === undefined) continue;
    const there = await kubectl.find(['get', kind.toLowerCase(), webhookName]);
    const [hook] = (there?.['webhooks'] ?? []) as { clientConfig?: { caBundle?: string } }[];
    if (hook?.clientConfig?.caBundle === undefined) continue;
    for (const one of webhooks) one.clientConfig = hook.clientConfig;
  }
  return documents.map((one) => `---\n${JSON.stringify(one)}\n`).join('');
}

const optOutWarning =
  'in opt-out mode every namespace but kube-system, gulfstream and cosign-system takes no new workload while the agent does not run';

/** Rights that applying needs and not everybody has; checked before, so that nothing is left half-applied. */
const neededRights = [
  'namespaces',
  'customresourcedefinitions.apiextensions.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
] as const;

async function requireRights(kubectl: Kubectl): Promise<void> {
  const answers = await Promise.all(neededRights.map((resource) => kubectl.can('create', resource)));
  const missing = neededRights.filter((_, at) => answers[at] === false).map((name) => name.replace(/\..*/, ''));
  if (missing.length === 0) return;
  throw new CliError(
    'permission',
    `Your account of context "${kubectl.context}" may not create ${missing.join(', ')}; nothing was applied`,
    { code: 'api.kubectl-rights', hint: 'install with an account that is cluster-admin there' },
  );
}

const loopback: WebhookAddress = { host: '127.0.0.1', listen: '127.0.0.1' };

/** Returns where the API server reaches this machine; undefined, and said, when it does nowhere. */
async function webhookAddress(
  context: Context,
  kubectl: Kubectl,
  named: WebhookAddress | undefined,
): Promise<WebhookAddress | undefined> {
  const candidates = named === undefined ? candidateAddresses() : [named];
  const found = await reachableAddress(kubectl, candidates, () => context.host.now(), context.signal);
  const tried = candidates.map(({ host }) => host).join(', ');
  if (found !== undefined) {
    context.io.note(printable(`The API server reaches the webhook at ${found.host}.`));
    return found;
  }
  context.io.warn(
    printable(
      `the API server reaches this machine at none of ${tried}, so nothing can be denied; installed as an observer. ` +
        'Name an address it can reach with `--webhook-address` and run this again with `--skip-invite`',
    ),
  );
  return undefined;
}

async function remoteIdOf(kubectl: Kubectl): Promise<string> {
  const namespace = await kubectl.find(['get', 'namespace', 'gulfstream']);
  const { uid } = (namespace?.['metadata'] ?? {}) as { uid?: string };
  if (uid === undefined)
    throw new CliError('api', 'The namespace gulfstream is not there although it was applied', { code: 'api.kubectl' });
  return uid;
}

async function prepareAgent(
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
async function registeredBefore(context: Context, kubectl: Kubectl, agent: AgentFile): Promise<AgentFile> {
  if (agent.cluster !== '') return agent;
  const secret = await kubectl.find(['get', 'secret', 'mcp-creds', '--namespace=gulfstream']);
  const data = (secret?.['data'] ?? {}) as { 'identity-uid'?: string };
  const identity = Buffer.from(data['identity-uid'] ?? '', 'base64').toString();
  if (identity === '') return agent;
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', { remoteId: agent.remoteId });
  return { ...agent, identity, cluster: items[0]?.id ?? '' };
}

const stopPod = (kubectl: Kubectl): Promise<string> =>
  kubectl.run(['delete', 'statefulset', podName, '--namespace=gulfstream', '--ignore-not-found']);

async function startAgent(context: Context, folder: string, agent: AgentFile): Promise<number> {
  writeAgent(folder, { ...(readAgent(folder) ?? agent), identity: agent.identity, cluster: agent.cluster });
  const { pid } = await context.host.startAgain(['local', 'agent', agent.remoteId], `${folder}/agent.log`);
  return pid;
}

/** Leaves who the agent is in the cluster, and the pod that runs it. */
async function startPod(
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

function warnOfLoopback(context: Context): void {
  const api = context.config.get('platform.api');
  if (!isLoopbackHost(new URL(api).hostname)) return;
  context.io.warn(
    printable(
      `a pod reaches ${api} only in the network of this machine; start the platform on another address with \`chainctl local start --listen\``,
    ),
  );
}

async function activityOf(context: Context, { cluster }: AgentFile): Promise<TenantCluster> {
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', { id: cluster });
  return items[0] ?? {};
}

/** Until it has reported anew with what it was told to do. */
async function waitForAgent(
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
