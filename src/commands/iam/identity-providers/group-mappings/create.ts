import { defineCommand } from '../../../../cli/define.ts';
import { createMapping, mappingInputs } from '../../external-group-role-mappings/mappings.ts';
import { mappingView, shown } from '../../external-group-role-mappings/view.ts';
import { idpInput } from './idp.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'group-mappings', 'create'],
  summary: 'Give a role to a group of an identity provider.',
  description:
    'The identity provider must put groups into its tokens; `--oidc-groups-claim` of `chainctl iam identity-providers update` says under which claim.',
  aliases: ['make', 'mk'],
  inputs: { idp: idpInput, ...mappingInputs },
  examples: [
    {
      text: 'Make everybody in a group an owner',
      args: 'my-idp --external-group-id="Platform-SRE" --role=owner --scope=example.com',
    },
    { text: 'Pick everything interactively', args: '' },
  ],
  view: mappingView,
  formats: ['table', 'json', 'id'],
  run: async (context, input) => shown(context, await createMapping(context, input)),
});
