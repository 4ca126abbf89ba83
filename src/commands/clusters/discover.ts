import type { TenantClusterDiscoveryResponseResult } from '../../api/schema/types/tenant.gen.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { group } from '../../cli/inputs/references.ts';
import { choice } from '../../cli/inputs/values.ts';
import { optionsInput, profilesInput } from './options.ts';

const providers = { gke: 'GKE', eks: 'EKS', cloudrun: 'CLOUD_RUN', ecs: 'ECS', apprunner: 'APP_RUNNER' } as const;
const states = ['unsupported', 'needs_work', 'eligible', 'enrolled'] as const;

const stateOf = ({ unsupported, needsWork, eligible }: TenantClusterDiscoveryResponseResult): string =>
  unsupported ? 'unsupported' : needsWork ? 'needs work' : eligible ? 'eligible' : 'enrolled';

const view = defineView<TenantClusterDiscoveryResponseResult>({
  columns: [
    { head: 'PROVIDER', value: ({ provider }) => provider },
    { head: 'ACCOUNT', value: ({ account }) => account },
    { head: 'LOCATION', value: ({ location }) => location },
    { head: 'NAME', value: ({ name }) => name },
    { head: 'ELIGIBILITY', value: stateOf },
    {
      head: 'DETAILS',
      value: ({ unsupported, needsWork, enrolled }) =>
        unsupported?.reason ?? needsWork?.steps?.join('\n') ?? enrolled?.id,
    },
  ],
  json: (result) => result,
  envelope: 'items',
  empty:
    'No clusters found. The local platform looks into no cloud; register a cluster with `chainctl clusters install`.',
});

export default defineCommand({
  path: ['clusters', 'discover'],
  summary: 'Look for clusters in the clouds of a location.',
  description: 'The platform asks the clouds that the account association names. The local platform asks none.',
  inputs: {
    group: {
      kind: group,
      aliases: ['parent'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder whose account association is used.',
      question: 'Whose clouds are looked into?',
    },
    provider: {
      kind: { ...choice('gke', 'eks', 'cloudrun', 'ecs', 'apprunner'), splitsCommas: true },
      many: true,
      help: 'Only these: gke, eks, cloudrun, ecs, apprunner.',
    },
    states: {
      kind: { ...choice(...states), splitsCommas: true },
      many: true,
      help: `Only these: ${states.join(', ')}.`,
    },
    profiles: profilesInput,
    opt: optionsInput,
  },
  examples: [{ text: 'Kubernetes at Google', args: '--group=example.com --provider=gke' }],
  view,
  formats: ['table', 'json'],
  lists: true,
  run: async (context, { group: { id }, provider, states: wanted, profiles }) => {
    const { results = [] } = await (await context.api()).call('tenant.v1.Clusters.Discover', {
      id,
      providers: provider.map((one) => providers[one]),
      profiles,
      states: wanted.map((one) => one.toUpperCase()),
    });
    return results;
  },
});
