// Takes away from a cluster what an installation applied. Guarantees: the webhook goes first, because without its agent it
// would refuse everything.

import type { Context } from '../../cli/context.ts';
import { probeName } from '../../enforce/webhook/probe.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import { agentFolder, removeAgent, stopAgent } from './agent-folder.ts';

export const deleteWebhooks = [
  'delete',
  'mutatingwebhookconfigurations,validatingwebhookconfigurations',
  'enforcer.chainguard.dev',
  '--ignore-not-found',
] as const;

/** Returns the uid that names the cluster; empty when there is no agent. */
export async function installedId(kubectl: Kubectl): Promise<string> {
  const namespace = await kubectl.find(['get', 'namespace', 'gulfstream']);
  const { uid = '' } = (namespace?.['metadata'] ?? {}) as { uid?: string };
  return uid;
}

export async function uninstall(context: Context, kubectl: Kubectl, uid: string): Promise<void> {
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
}
