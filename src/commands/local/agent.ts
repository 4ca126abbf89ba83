import { defineCommand, exclusive, needs } from '../../cli/define.ts';
import { boolean, file, integer, string } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';

export default defineCommand({
  path: ['local', 'agent'],
  changesHere: true,
  summary: "Run a cluster's agent, beside the platform or in a pod.",
  description:
    'Gives the cluster its policies, tells the platform what runs there and serves the webhook, until Ctrl-C. `clusters install` ' +
    'starts it in the background; here it is started again, after a restart of the machine for example.',
  inputs: {
    cluster: {
      kind: { ...string, metavar: 'REMOTE_ID' },
      positional: 'REMOTE_ID',
      flag: false,
      help: 'Id that Kubernetes gave the cluster; not needed where one cluster was installed from here.',
    },
    inCluster: {
      kind: boolean,
      help: 'Run in a pod of the cluster, as its service account; IDENTITY_UID says who the agent is on the platform.',
    },
    serviceAccount: {
      kind: { ...string, metavar: 'FOLDER' },
      hidden: true,
      help: 'With --in-cluster, where the token and ca.crt of the pod lie instead of where kubelets put them.',
    },
    identityToken: {
      kind: file,
      hidden: true,
      help: 'With --in-cluster, the token for the platform, instead of /var/run/sts-in/oidc-token.',
    },
    webhookPort: { kind: integer, hidden: true, help: 'With --in-cluster, the port of the webhook instead of 8443.' },
  },
  check: [
    exclusive('cluster', 'inCluster'),
    needs('serviceAccount', 'inCluster'),
    needs('identityToken', 'inCluster'),
    needs('webhookPort', 'inCluster'),
  ],
  examples: [
    { text: 'The only one that was installed from here', args: '' },
    { text: 'One of several', args: 'ba5eba11-ba5e-ba11-aa6a-95fc2398fe16' },
    { text: 'In a pod, as `chainctl clusters print-config --agent-image=IMAGE` sets it up', args: '--in-cluster' },
  ],
  run: async (context, { cluster, inCluster, serviceAccount, identityToken, webhookPort }) => {
    if (inCluster) {
      const { defaultServiceAccount, podToken, serveInCluster } = await import('../clusters/in-cluster.ts');
      return serveInCluster(context, {
        serviceAccount: serviceAccount ?? defaultServiceAccount,
        identityToken: identityToken ?? podToken,
        webhookPort: webhookPort ?? 8443,
      });
    }
    const { agentFolder, knownAgents, readAgent } = await import('../clusters/agent-folder.ts');
    const known = knownAgents(context);
    const [only, ...others] = known;
    const remoteId = cluster ?? (others.length === 0 ? only : undefined);
    if (remoteId === undefined || !known.includes(remoteId)) {
      throw new CliError(
        'usage',
        remoteId === undefined
          ? 'Say which cluster the agent is for'
          : `No agent for the cluster "${remoteId}" was set up here`,
        {
          code: 'usage.no-agent',
          hint: known.length === 0 ? 'set one up with `chainctl clusters install`' : `there is ${known.join(', ')}`,
        },
      );
    }
    const folder = agentFolder(context, remoteId);
    const agent = readAgent(folder);
    if (agent === undefined) throw new Error(`${folder} holds no agent.json`);
    const { serveAgent } = await import('../clusters/serve-agent.ts');
    await serveAgent(context, folder, agent);
  },
});
