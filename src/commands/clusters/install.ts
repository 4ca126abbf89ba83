import { defineCommand, defineView, exclusive, needs } from '../../cli/define.ts';
import { group } from '../../cli/inputs/references.ts';
import { boolean, choice, file, secret, string } from '../../cli/inputs/values.ts';
import type { Installed } from './installing.ts';
import { optionsInput, profilesInput } from './options.ts';

const view = defineView<Installed>({
  id: ({ id }) => id,
  text: ({ remoteId }) => `Cluster has been successfully configured with ID: '${remoteId}'\n`,
  json: ({ id, remoteId, pid }) => ({ id, remoteId, ...(pid === undefined ? {} : { pid }) }),
});

export default defineCommand({
  path: ['clusters', 'install'],
  changesHere: true,
  contextElse: 'kubeContext',
  summary: 'Register a cluster and start its agent.',
  description:
    'Applies with kubectl what the platform says (`clusters print-config`), registers the cluster through an invite that is taken ' +
    'back, and starts the agent beside the platform, or in a pod, with the rights of its own service account. The API server is asked which ' +
    'address of this machine it can reach; where it reaches none, the agent only watches.',
  inputs: {
    group: {
      kind: group,
      aliases: ['parent'],
      requiredUnless: 'skipInvite',
      config: 'default.group',
      help: 'Organization or folder that the cluster belongs to; its policies count there, and those above it.',
      question: 'Set up cluster under which group?',
    },
    kubeContext: { kind: { ...string, metavar: 'NAME' }, help: 'Context of kubectl; the current one without it.' },
    name: { kind: string, short: 'n', help: 'Name of the cluster; that of the context without it.' },
    description: { kind: string, short: 'd', help: 'What the cluster is for.' },
    private: {
      kind: boolean,
      help: 'Pin the keys that the API server signs tokens with. Automatic where the platform could not read them.',
    },
    skipInvite: {
      kind: boolean,
      help: 'Bring an installed cluster up to date, with other profiles or options for example.',
    },
    inviteCode: { kind: secret('INVITE_CODE'), help: 'Register with this invite instead of a temporary one.' },
    profiles: profilesInput,
    opt: optionsInput,
    webhookAddress: {
      kind: { ...string, metavar: 'ADDRESS' },
      help: 'Address of this machine that the API server reaches the webhook at; found by asking it without this.',
    },
    agentImage: {
      kind: { ...string, metavar: 'IMAGE' },
      help: 'Run the agent in a pod of the cluster, from this image with chainctl on its PATH, instead of beside the platform.',
    },
    managed: {
      kind: choice('gke', 'eks'),
      help: 'Was for clusters whose agent the vendor runs; refused with the reason.',
    },
    cluster: { kind: string, hidden: true, help: 'Name of a managed cluster.' },
    gcpServiceaccountFile: {
      kind: file,
      help: "JSON key of a Google service account that reads images from Google's registries where there is no pull secret.",
    },
  },
  check: [
    exclusive('inviteCode', 'skipInvite'),
    exclusive('agentImage', 'webhookAddress'),
    needs('cluster', 'managed'),
  ],
  validate: ({ managed }) =>
    managed === undefined
      ? []
      : ['`--managed` needs an agent that the vendor runs, which this platform does not have; install with kubectl'],
  examples: [
    { text: 'The current context of kubectl', args: '--group=example.com' },
    {
      text: 'kind',
      args: '--group=example.com --private --kube-context=kind-enforce-demo',
    },
    { text: 'The agent inside the cluster', args: '--group=example.com --agent-image=registry.example.com/chainctl' },
    { text: 'Only watch', args: '--group=example.com --profiles=observer' },
  ],
  view,
  formats: ['text', 'json', 'id'],
  run: async (context, input) => (await import('./installing.ts')).install(context, input),
});
