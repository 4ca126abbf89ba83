// The agent with everything it needs of this program. Guarantees: the file names the process that serves, and no two serve one
// cluster from one folder.

import { createOciClient } from '../../api/oci-client.ts';
import { send } from '../../api/transport.ts';
import type { Context } from '../../cli/context.ts';
import { type AgentOptions, runAgent } from '../../enforce/agent/agent.ts';
import type { CloudLoginAnswer } from '../../enforce/agent/cloud-logins.ts';
import type { GivenPolicy } from '../../enforce/agent/distribution.ts';
import type { Login } from '../../enforce/agent/pull-secrets.ts';
import type { Repository } from '../../enforce/verify/surroundings.ts';
import { CliError } from '../../errors.ts';
import type { KubernetesAccess } from '../../kubernetes/client.ts';
import { versionInfo } from '../../version.ts';
import { readTrustRoot } from '../images/keyless.ts';
import { originOf } from '../images/open-registry.ts';
import { isOfPlatform, rootAt } from '../sigstore/trust-root.ts';
import { type AgentFile, readAgent, writeAgent } from './agent-folder.ts';
import { createAgentTokens } from './agent-tokens.ts';
import { repositoryOf } from './repositories.ts';
import { ruleSurroundings } from './rules.ts';

/** How an agent reaches its cluster, its platform and is reached. */
export interface AgentPlace {
  readonly kubernetes: KubernetesAccess;
  readonly api: string;
  /** UIDP of the cluster. */
  readonly cluster: string;
  /** Returns an access token of the platform. */
  platformToken(): Promise<string>;
  readonly webhook: AgentOptions['webhook'];
}

export async function serveAgent(context: Context, folder: string, agent: AgentFile): Promise<void> {
  const { host } = context;
  if (agent.pid !== 0 && agent.pid !== host.pid && host.signalProcess(agent.pid, 0)) {
    throw new CliError('local', `The agent of this cluster runs already, as process ${agent.pid}`, {
      code: 'local.agent-runs',
    });
  }
  writeAgent(folder, { ...agent, pid: host.pid });
  const tokens = createAgentTokens(context, folder, agent);
  try {
    await serve(context, {
      kubernetes: tokens.kubernetes,
      api: agent.api,
      cluster: agent.cluster,
      platformToken: tokens.platform,
      webhook: { place: { host: agent.webhookAddress }, listen: agent.webhookListen, port: 0 },
    });
  } finally {
    const last = readAgent(folder);
    if (last?.pid === host.pid) writeAgent(folder, { ...last, pid: 0 });
  }
}

/** Resolves when the signal is aborted. */
export async function serve(context: Context, place: AgentPlace): Promise<void> {
  const { host, signal } = context;
  holdLess();
  const ask = async (method: 'GET' | 'POST', path: string, body?: object) =>
    send(host, {
      method,
      url: `${place.api}/local/enforce/v1/clusters/${place.cluster}/${path}`,
      headers: {
        authorization: `Bearer ${await place.platformToken()}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: 30_000,
      signal,
    });
  await runAgent({
    kubernetes: place.kubernetes,
    platform: {
      async policies() {
        const { status, text } = await ask('GET', 'policies');
        if (status !== 200) throw new Error(`the platform answered ${status} for policies`);
        return JSON.parse(text) as { profiles: string[]; policies: GivenPolicy[] };
      },
      async cloudLogin(registry) {
        const { status, text } = await ask('GET', `login?registry=${encodeURIComponent(registry)}`);
        if (status !== 200) throw new Error(`the platform answered ${status} for a login`);
        return JSON.parse(text) as CloudLoginAnswer;
      },
      async report(body) {
        const { status, text } = await ask('POST', 'report', body);
        if (status === 200) return 'taken';
        const { code, message } = JSON.parse(text) as { code?: number; message?: string };
        // FAILED_PRECONDITION: a report is missing there.
        if (code === 9) return 'mustRestart';
        const reason = message ?? `the platform answered ${status} for a report`;
        if (status >= 500) throw new Error(reason);
        return { refused: reason };
      },
    },
    openRepository: (repository, login, limit) => openRepository(context, repository, login, limit),
    trustRoot: async (url) =>
      isOfPlatform(place.api, url) ? rootAt(context, url) : readTrustRoot(context, { trustedRoot: undefined }),
    rules: ruleSurroundings(context),
    agentVersion: versionInfo().gitVersion,
    webhook: place.webhook,
    log: (line) => host.stderr.write(`${new Date(host.now()).toISOString()} ${line}\n`),
    now: () => host.now(),
    signal,
  });
}

/**
 * What an answer needs is garbage right after it. V8 lets the space for that grow to 32 MiB before it looks; kept at where
 * it begins, the agent holds a fifth less and is no slower (scripts/bench-enforce.mjs).
 */
function holdLess(): void {
  if (process.versions['bun'] === undefined) {
    process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
  }
}

/** The agent holds no login of its user's. */
function openRepository(
  context: Context,
  { registry, repository }: { registry: string; repository: string },
  findLogin: () => Promise<Login | undefined>,
  signal: AbortSignal,
): Repository {
  const client = createOciClient({
    host: context.host,
    origin: originOf(context, registry === 'index.docker.io' ? 'docker.io' : registry),
    signal,
    async login() {
      const login = await findLogin();
      return login && { kind: 'password', user: login.user, secret: login.password, leavesHost: true };
    },
    loginHint: 'give the workload a pull secret',
  });
  return repositoryOf(client, repository);
}
