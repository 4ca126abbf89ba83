// The two tokens of an agent outside its cluster: one for the API server, one for the platform, both from its service account
// (enforce.md 3). Guarantees: each is renewed before it ends, and the file always holds one that is good.

import { exchange } from '../../api/sts.ts';
import type { Context } from '../../cli/context.ts';
import { createKubernetesClient, type KubernetesAccess } from '../../kubernetes/client.ts';
import { type AgentFile, readAgent, writeAgent } from './agent-folder.ts';

const account = '/api/v1/namespaces/gulfstream/serviceaccounts/controller/token';
/** Seconds. */
const kubernetesLife = 24 * 3600;
const platformLife = 600;

export interface AgentTokens {
  readonly kubernetes: KubernetesAccess;
  /** Of the service account, for the platform to exchange. */
  ownToken(): Promise<string>;
  /** An access token of the platform. */
  platform(): Promise<string>;
}

export function createAgentTokens(context: Context, folder: string, started: AgentFile): AgentTokens {
  let agent = started;
  let renewing: Promise<void> | undefined;
  const plain: KubernetesAccess = { server: agent.server, ca: agent.ca, token: async () => agent.token };
  const client = createKubernetesClient(plain);

  const request = async (audiences: readonly string[], seconds: number) => {
    const answer = await client.send('POST', account, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, expirationSeconds: seconds },
    });
    const { token = '', expirationTimestamp = '' } = (answer['status'] ?? {}) as {
      token?: string;
      expirationTimestamp?: string;
    };
    return { token, expiresAt: Date.parse(expirationTimestamp) };
  };
  const renew = async (): Promise<void> => {
    const { token, expiresAt } = await request([], kubernetesLife);
    // Others may have written meanwhile who the agent is.
    agent = { ...(readAgent(folder) ?? agent), token, expiresAt };
    writeAgent(folder, agent);
  };
  const current = async (): Promise<string> => {
    if (agent.expiresAt - context.host.now() > (kubernetesLife * 1000) / 2) return agent.token;
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    // The old one is good for hours more.
    await renewing.catch((error: unknown) => context.debug(() => `token: ${String(error)}`));
    return agent.token;
  };
  let issued = { token: '', until: 0 };
  return {
    kubernetes: { server: agent.server, ca: agent.ca, token: current },
    ownToken: async () => (await request(['gulfstream'], platformLife)).token,
    async platform() {
      if (issued.until > context.host.now()) return issued.token;
      const { token } = await exchange(context.host, {
        issuer: agent.issuer,
        token: (await request(['gulfstream'], platformLife)).token,
        audience: [agent.api],
        identity: agent.identity,
        signal: context.signal,
      });
      issued = { token, until: context.host.now() + 30 * 60_000 };
      return token;
    },
  };
}
