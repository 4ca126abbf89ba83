// Installing and uninstalling (enforce.md 1.2). Guarantees: a temporary invite is taken back whatever happens; what fails says
// what to type to take away what was applied.

import { parseAllDocuments } from 'yaml';
import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import { send } from '../../api/transport.ts';
import type { Context } from '../../cli/context.ts';
import type { Reference } from '../../cli/inputs/references.ts';
import { printable } from '../../cli/io.ts';
import {
  candidateAddresses,
  namedAddress,
  probeName,
  reachableAddress,
  type WebhookAddress,
} from '../../enforce/webhook/probe.ts';
import { CliError } from '../../errors.ts';
import { type Kubectl, openKubectl } from '../../kubernetes/kubectl.ts';
import { visibleRoles } from '../iam/roles/role.ts';
import { type AgentFile, agentFolder, agentLog, readAgent, removeAgent, writeAgent } from './agent-folder.ts';
import { createAgentTokens } from './agent-tokens.ts';
import { enforcerOptions } from './options.ts';

export interface InstallInput {
  readonly group: Reference | undefined;
  readonly kubeContext: string | undefined;
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly private: boolean;
  readonly skipInvite: boolean;
  readonly inviteCode: string | undefined;
  readonly profiles: readonly string[];
  readonly opt: readonly string[];
  /** Undefined to find it out. */
  readonly webhookAddress: string | undefined;
}

export interface Installed {
  readonly id: string;
  readonly remoteId: string;
  readonly pid: number;
}

const agentSubject = 'system:serviceaccount:gulfstream:controller';
/** The product's guide repeats it every 25 days; keys of an API server rarely change before. */
const pinnedDays = 365;
const agentWaitMs = 60_000;

export async function install(context: Context, input: InstallInput): Promise<Installed> {
  const { io, host } = context;
  const kubectl = await openKubectl(host.env, input.kubeContext, context.signal);
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
  try {
    await kubectl.run(['apply', '--filename=-'], decode(config.mcpConfig));
    const remoteId = await remoteIdOf(kubectl);
    const folder = agentFolder(context, remoteId);
    await stopAgent(context, folder);
    const address = (config.profiles ?? []).includes('enforcer')
      ? await webhookAddress(context, kubectl, named)
      : loopback;
    if (address === undefined) config = await configFor(['observer']);
    else if (options.namespaceEnforcementMode === 'OptOut') io.warn(optOutWarning);
    const agent = await prepareAgent(context, kubectl, remoteId, address ?? loopback, readAgent(folder));
    writeAgent(folder, agent);
    const registered = input.skipInvite ? agent : await register(context, kubectl, folder, agent, input);
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
    // The webhook comes last: until its agent runs it would refuse everything.
    const before = await activityOf(context, registered);
    const pid = await startAgent(context, folder, remoteId);
    if (tenant !== '') await kubectl.run(['apply', '--filename=-'], await keepingAddress(kubectl, tenant));
    else await kubectl.run([...deleteWebhooks], '');
    await waitForAgent(context, registered, folder, pid, before.activity);
    return { id: registered.cluster, remoteId, pid };
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
 * The agent has written a URL where the manifests name a service, and an object may not have both: what the cluster has stays
 * until the agent writes it anew, so that at no time nobody is asked.
 */
async function keepingAddress(kubectl: Kubectl, manifests: string): Promise<string> {
  const documents = parseAllDocuments(manifests).map(
    (one) => one.toJS() as { kind?: string; webhooks?: { clientConfig?: object }[] },
  );
  for (const { kind = '', webhooks } of documents) {
    if (webhooks === undefined) continue;
    const there = await kubectl.find(['get', kind.toLowerCase(), 'enforcer.chainguard.dev']);
    const [hook] = (there?.['webhooks'] ?? []) as { clientConfig?: { url?: string } }[];
    if (hook?.clientConfig?.url === undefined) continue;
    for (const one of webhooks) one.clientConfig = hook.clientConfig;
  }
  return documents.map((one) => `---\n${JSON.stringify(one)}\n`).join('');
}

const optOutWarning =
  'in opt-out mode every namespace but kube-system, gulfstream and cosign-system takes no new workload while the agent does not run';

/** What applying needs that not everybody may; asked before, so that nothing is left half-applied. */
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

const deleteWebhooks = [
  'delete',
  'mutatingwebhookconfigurations,validatingwebhookconfigurations',
  'enforcer.chainguard.dev',
  '--ignore-not-found',
] as const;

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

/** Makes identity and cluster with the agent's own token, as the agent would inside the cluster. */
async function register(
  context: Context,
  kubectl: Kubectl,
  folder: string,
  agent: AgentFile,
  input: InstallInput,
): Promise<AgentFile> {
  const { group } = input;
  if (group === undefined) throw new TypeError('it was asked for');
  const api = await context.api();
  const known = (await api.call('tenant.v1.Clusters.List', { remoteId: agent.remoteId })).items ?? [];
  const invite = input.inviteCode === undefined ? await temporaryInvite(context, group) : undefined;
  try {
    const discovery = JSON.parse(await kubectl.run(['get', '--raw', '/.well-known/openid-configuration'])) as {
      issuer?: string;
    };
    const issuer = discovery.issuer ?? '';
    const isPinned = input.private || !isPublic(issuer);
    if (isPinned && !input.private)
      context.io.note(printable(`The issuer ${issuer} is not public, so its keys are pinned (--private).`));
    const identity = isPinned ? await pinnedIdentity(context, kubectl, group, agent.remoteId, issuer) : '';
    const tokens = createAgentTokens(context, folder, agent);
    const answer = await send(context.host, {
      method: 'POST',
      url: `${agent.issuer}/auth/v1/register`,
      headers: {
        authorization: `Bearer ${await tokens.ownToken()}`,
        accept: 'application/json',
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        code: input.inviteCode ?? invite?.code,
        clusterId: agent.remoteId,
        identityId: identity,
        clusterName: input.name ?? kubectl.context,
        clusterDescription: input.description ?? '',
      }),
      signal: context.signal,
    });
    const session = JSON.parse(answer.text) as { identity?: string; message?: string };
    if (answer.status !== 200 || session.identity === undefined) {
      throw new CliError('api', `The platform does not register the cluster: ${session.message ?? answer.status}`, {
        code: 'api.refused',
      });
    }
    const { items = [] } = await api.call('tenant.v1.Clusters.List', { remoteId: agent.remoteId });
    const cluster = items.find(({ issuer: one }) => one === issuer)?.id ?? known[0]?.id ?? '';
    const registered = { ...(readAgent(folder) ?? agent), identity: session.identity, cluster };
    writeAgent(folder, registered);
    return registered;
  } finally {
    if (invite !== undefined) {
      context.io.note(`Cleaning up temporary invite code ${invite.id}...`);
      await (await context.undoApi()).call('iam.v1.GroupInvites.Delete', { id: invite.id });
    }
  }
}

async function temporaryInvite(context: Context, group: Reference): Promise<{ id: string; code: string }> {
  const role = (await visibleRoles(context)).find(({ id = '', name }) => name === 'gulfstream' && !id.includes('/'));
  if (role?.id === undefined)
    throw new CliError('api', 'This platform has no role for clusters, so it has no clusters', {
      code: 'api.unimplemented',
    });
  const { id = '', code = '' } = await (await context.api()).call('iam.v1.GroupInvites.Create', {
    group: group.id,
    role: role.id,
    ttl: '600s',
  });
  return { id, code };
}

/** An identity whose tokens are known by the keys of the API server, as they are now. */
async function pinnedIdentity(
  context: Context,
  kubectl: Kubectl,
  group: Reference,
  remoteId: string,
  issuer: string,
): Promise<string> {
  const issuerKeys = await kubectl.run(['get', '--raw', '/openid/v1/jwks']);
  const api = await context.api();
  const name = `cluster ${remoteId}`;
  const identity = {
    name,
    description: 'Agent of a cluster',
    static: {
      issuer,
      subject: agentSubject,
      issuerKeys,
      audiences: ['gulfstream'],
      expiration: new Date(context.host.now() + pinnedDays * 86_400_000).toISOString(),
    },
  };
  const { items = [] } = await api.call('iam.v1.Identities.List', { uidp: { childrenOf: group.id } });
  const before = items.find((one) => one.name === name);
  const { id = '' } =
    before === undefined
      ? await api.call('iam.v1.Identities.Create', { parentId: group.id, identity })
      : await api.call('iam.v1.Identities.Update', { ...identity, id: before.id ?? '' });
  return id;
}

/** Returns whether a platform elsewhere could read the keys of the issuer itself. */
function isPublic(issuer: string): boolean {
  if (!URL.canParse(issuer)) return false;
  const { protocol, hostname } = new URL(issuer);
  return (
    protocol === 'https:' && hostname.includes('.') && !/^[0-9.]+$|^\[|\.local$|\.svc$|cluster\.local/.test(hostname)
  );
}

async function startAgent(context: Context, folder: string, remoteId: string): Promise<number> {
  const { pid } = await context.host.startAgain(['local', 'agent', remoteId], `${folder}/agent.log`);
  return pid;
}

export async function stopAgent(context: Context, folder: string): Promise<void> {
  const pid = readAgent(folder)?.pid ?? 0;
  if (pid === 0 || !context.host.signalProcess(pid, 'SIGTERM')) return;
  for (let waited = 0; waited < 10_000 && context.host.signalProcess(pid, 0); waited += 100)
    await context.host.sleep(100, context.signal);
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
  pid: number,
  before: TenantCluster['activity'] = {},
): Promise<void> {
  for (let waited = 0; waited < agentWaitMs; waited += 500) {
    const { activity = {}, profiles = [] } = await activityOf(context, agent);
    // An agent that was stopped for this one may have reported a moment ago.
    const hasStarted = (profile: string) => (activity[profile]?.lastSeen ?? '') !== (before[profile]?.lastSeen ?? '');
    if (profiles.every(hasStarted)) return;
    if (!context.host.signalProcess(pid, 0)) break;
    await context.host.sleep(500, context.signal);
  }
  throw new CliError('local', 'The agent does not report', {
    code: 'local.agent',
    details: agentLog(folder)
      .split('\n')
      .filter((line) => line !== ''),
    hint: `see ${folder}/agent.log, and start it again with \`chainctl local agent ${agent.remoteId}\``,
  });
}

export async function uninstall(context: Context, kubeContext: string | undefined): Promise<string> {
  const kubectl = await openKubectl(context.host.env, kubeContext, context.signal);
  const namespace = await kubectl.find(['get', 'namespace', 'gulfstream']);
  const { uid = '' } = (namespace?.['metadata'] ?? {}) as { uid?: string };
  // The webhook goes first: without its agent it would refuse everything.
  await kubectl.run([...deleteWebhooks]);
  await kubectl.run(['delete', 'validatingwebhookconfiguration', probeName, '--ignore-not-found']);
  const folder = agentFolder(context, uid);
  if (uid !== '') await stopAgent(context, folder);
  await kubectl.run([
    'delete',
    'customresourcedefinition',
    'clusterimagepolicies.policy.sigstore.dev',
    'trustroots.policy.sigstore.dev',
    '--ignore-not-found',
  ]);
  await kubectl.run(['delete', 'clusterrolebinding,clusterrole', 'gulfstream-controller', '--ignore-not-found']);
  await kubectl.run(['delete', 'namespace', 'gulfstream', 'cosign-system', '--ignore-not-found', '--wait=false']);
  if (uid !== '') removeAgent(folder);
  return uid;
}
