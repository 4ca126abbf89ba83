// The login of a cluster's agent (enforce.md 1.1): a token of service account gulfstream/controller for an identity that reports for
// that cluster, which an invite registers where it is not yet. Guarantees: a cluster that is registered is not registered again, and
// an invite is used for a cluster or not at all.

import { registerCluster } from '../../api/registration.ts';
import { exchange } from '../../api/sts.ts';
import { findIdentityToken } from '../../auth/identity-token.ts';
import type { LoginOptions } from '../../auth/login.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { readTextIfExists } from '../../files.ts';

export interface AgentLoginInput {
  /** Uid of namespace gulfstream; of a cluster that was installed from here, also its id or the context of kubectl. */
  readonly cluster: string | undefined;
  /** This is a pod of the agent: what it was given says the rest. */
  readonly gulfstream: boolean;
  readonly identity: string | undefined;
  readonly identityToken: string | undefined;
  readonly inviteCode: string | undefined;
}

/** How the issuer says that nobody may be that identity with that token; whatever else fails says nothing about it. */
const refusals: ReadonlySet<string> = new Set(['auth', 'not-found', 'permission']);

/** Returns what to sign in with. Registers the cluster where an invite was given and the identity cannot sign in. */
export async function agentLogin(
  context: Context,
  input: AgentLoginInput,
): Promise<Pick<LoginOptions, 'identity' | 'identityToken' | 'inviteCode' | 'preferAmbient' | 'alsoFor'>> {
  const { host, config, signal } = context;
  const { clusterOf, defaultServiceAccount, inClusterAccess, podToken } = await import('../clusters/in-cluster.ts');
  const installed = await installedHere(context, input.cluster);
  const given = input.gulfstream ? host.env : {};
  const code = input.inviteCode || given['INVITE_CODE'] || undefined;
  if (input.gulfstream && input.identityToken === undefined && readTextIfExists(podToken) === undefined) {
    throw new CliError('usage', `This is no pod of an agent: there is no ${podToken}`, {
      code: 'usage.no-agent',
      hint: 'leave `--gulfstream` out, or give a token of service account gulfstream/controller with `--identity-token`',
    });
  }
  const identityToken = input.identityToken ?? (input.gulfstream ? podToken : await installed?.ownToken());
  if (identityToken === undefined) {
    throw new CliError('usage', `No agent of "${input.cluster}" was set up here, so its token is not known`, {
      code: 'usage.no-agent',
      hint: 'give one of service account gulfstream/controller with `--identity-token`: `kubectl create token controller --namespace=gulfstream --audience=gulfstream`',
    });
  }
  const issuer = config.get('platform.issuer');
  const found = await findIdentityToken(host, issuer, { identityToken, signal });
  const token = found?.tokens[0] ?? '';
  let identity = input.identity ?? (given['IDENTITY_UID'] || installed?.identity);
  if (code !== undefined) {
    const clusterId = input.cluster ?? (await clusterOf(inClusterAccess(context, defaultServiceAccount)));
    if (!(await reports(context, token, identity, clusterId))) {
      if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(clusterId)) {
        throw new CliError('usage', `\`--cluster\` "${clusterId}" is not the uid of a namespace`, {
          code: 'usage.bad-value',
          hint: 'it is what `kubectl get namespace gulfstream --output=jsonpath={.metadata.uid}` prints',
        });
      }
      identity = await registerCluster(host, {
        issuer,
        token,
        code,
        clusterId,
        identityId: identity ?? '',
        clusterName: given['CHAINGUARD_CLUSTER_NAME'] || clusterId,
        clusterDescription: given['CHAINGUARD_CLUSTER_DESCRIPTION'] ?? '',
        signal,
      });
      context.io.note(`Registered the cluster ${clusterId}.`);
    }
  }
  if (identity === undefined) {
    throw new CliError('usage', 'No identity is known for the agent of the cluster', {
      code: 'usage.no-agent',
      hint: `name its identity with \`--identity\`${input.gulfstream ? ' or IDENTITY_UID' : ''}, or register the cluster with \`--invite-code\` (\`chainctl iam invites create GROUP --cluster\`)`,
    });
  }
  // Standard input was read.
  const shown = identityToken === '-' ? token : identityToken;
  return { identity, identityToken: shown, inviteCode: undefined, preferAmbient: false, alsoFor: [] };
}

/** Returns whether the token is good for the identity, and that reports for the cluster already. */
async function reports(
  context: Context,
  token: string,
  identity: string | undefined,
  clusterId: string,
): Promise<boolean> {
  if (identity === undefined) return false;
  const { host, config, signal } = context;
  const api = config.get('platform.api');
  try {
    const shown = { issuer: config.get('platform.issuer'), token, audience: [api], identity, signal };
    const bearer = (await exchange(host, shown)).token;
    const { reportedClusters } = await import('../clusters/reported-clusters.ts');
    const clusters = await reportedClusters(context, api, bearer);
    // A platform that does not tell them has let the agent in, and an invite is not spent on a guess.
    return 'refused' in clusters || clusters.some(({ remoteId }) => remoteId === clusterId);
  } catch (error) {
    if (error instanceof CliError && refusals.has(error.kind)) return false;
    throw error;
  }
}

/** The agent that `clusters install` set up on this machine for the cluster. */
async function installedHere(context: Context, cluster: string | undefined) {
  if (cluster === undefined) return undefined;
  const { agentFolder, knownAgents, readAgent } = await import('../clusters/agent-folder.ts');
  for (const remoteId of knownAgents(context)) {
    const folder = agentFolder(context, remoteId);
    const agent = readAgent(folder);
    if (agent === undefined || ![agent.remoteId, agent.cluster, agent.context].includes(cluster)) continue;
    return {
      identity: agent.identity || undefined,
      async ownToken() {
        const { createAgentTokens } = await import('../clusters/agent-tokens.ts');
        return createAgentTokens(context, folder, agent).ownToken();
      },
    };
  }
  return undefined;
}
