// Registers a cluster on the platform (enforce.md 1.2), with the token of its own agent. Guarantees: a temporary invite is
// taken back whatever happens.

import { registerCluster } from '../../api/registration.ts';
import type { Context } from '../../cli/context.ts';
import type { Reference } from '../../cli/inputs/references.ts';
import { printable } from '../../cli/io.ts';
import { CliError } from '../../errors.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import { visibleRoles } from '../iam/roles/role.ts';
import { type AgentFile, readAgent, writeAgent } from './agent-folder.ts';
import { createAgentTokens } from './agent-tokens.ts';

export interface Registration {
  readonly group: Reference | undefined;
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly private: boolean;
  readonly inviteCode: string | undefined;
}

const agentSubject = 'system:serviceaccount:gulfstream:controller';
/** The product's guide repeats it every 25 days; keys of an API server rarely change before. */
const pinnedDays = 365;
/** Makes identity and cluster with the agent's own token, as the agent would inside the cluster. */
export async function register(
  context: Context,
  kubectl: Kubectl,
  folder: string,
  agent: AgentFile,
  input: Registration,
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
    const registeredAs = await registerCluster(context.host, {
      issuer: agent.issuer,
      token: await tokens.ownToken(),
      code: input.inviteCode ?? invite?.code ?? '',
      clusterId: agent.remoteId,
      identityId: identity,
      clusterName: input.name ?? kubectl.context,
      clusterDescription: input.description ?? '',
      signal: context.signal,
    });
    const { items = [] } = await api.call('tenant.v1.Clusters.List', { remoteId: agent.remoteId });
    const cluster = items.find(({ issuer: one }) => one === issuer)?.id ?? known[0]?.id ?? '';
    const registered = { ...(readAgent(folder) ?? agent), identity: registeredAs, cluster };
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
