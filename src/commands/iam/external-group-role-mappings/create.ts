import { defineCommand } from '../../../cli/define.ts';
import { identityProvider } from '../identity-providers/identity-provider.ts';
import { createMapping, mappingInputs } from './mappings.ts';
import { mappingView, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'external-group-role-mappings', 'create'],
  summary: 'Give a role to a group of an identity provider.',
  description:
    'The identity provider must put groups into its tokens; `--oidc-groups-claim` of `chainctl iam identity-providers update` says under which claim.',
  aliases: ['make', 'mk'],
  inputs: {
    idp: {
      kind: identityProvider,
      required: true,
      help: 'Name or id of the identity provider that names the group.',
      question: 'Which identity provider names the group?',
    },
    ...mappingInputs,
  },
  examples: [
    {
      text: 'Make everybody in a group an owner',
      args: '--external-group-id="Platform-SRE" --role=owner --scope=example.com --idp=my-idp',
    },
    { text: 'Pick everything interactively', args: '' },
  ],
  view: mappingView,
  formats: ['table', 'json', 'id'],
  run: async (context, input) => shown(context, await createMapping(context, input)),
});
