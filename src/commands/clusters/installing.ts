// Installs the agent of a cluster (enforce.md 1.2). Guarantees: what can be refused is refused before anything is
// applied; what fails later says what to type to take away what was applied.

import { parseAllDocuments } from 'yaml';
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
import { agentFolder, readAgent, removeAgent, requireRoomForAgents, stopAgent, writeAgent } from './agent-folder.ts';
import { giveGoogleKey, readGoogleKey } from './google-key.ts';
import { kubectlFor } from './kubectl.ts';
import { enforcerOptions } from './options.ts';
import { type Registration, register } from './registering.ts';
import { activityOf, prepareAgent, registeredBefore, startAgent, startPod, stopPod, waitForAgent } from './starting.ts';
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
  /** Key of a Google service account. */
  readonly gcpServiceaccountFile: string | undefined;
}

export interface Installed {
  readonly id: string;
  readonly remoteId: string;
  /** Process of the agent; undefined where it runs in a pod. */
  readonly pid?: number | undefined;
}

const webhookName = 'enforcer.chainguard.dev';

export async function install(context: Context, input: InstallInput): Promise<Installed> {
  const { io } = context;
  const googleKey = input.gcpServiceaccountFile === undefined ? undefined : readGoogleKey(input.gcpServiceaccountFile);
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
    if (googleKey !== undefined) await giveGoogleKey(kubectl, googleKey);
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

function warnOfLoopback(context: Context): void {
  const api = context.config.get('platform.api');
  if (!isLoopbackHost(new URL(api).hostname)) return;
  context.io.warn(
    printable(
      `a pod reaches ${api} only in the network of this machine; start the platform on another address with \`chainctl local start --listen\``,
    ),
  );
}
