import { defineCommand, exclusive, needs } from '../../../cli/define.ts';
import { identityProvider } from '../identity-providers/identity-provider.ts';
import { confirmDeletion, deleteMappings, deletionInputs } from './mappings.ts';

export default defineCommand({
  path: ['iam', 'external-group-role-mappings', 'delete'],
  summary: 'Take roles from groups of an identity provider.',
  description: 'Sessions that have such a role keep it until they end, within the hour.',
  aliases: ['rm', 'remove'],
  inputs: {
    idp: { kind: identityProvider, help: 'Name or id of the identity provider, for `--all` and for picking.' },
    ...deletionInputs,
  },
  check: [exclusive('mapping', 'all'), needs('all', 'idp')],
  examples: [
    { text: 'One mapping', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07/1f0f5d5bf1a0b3c4' },
    { text: 'All of an identity provider', args: '--all --idp=my-idp' },
  ],
  confirm: (input, context) => confirmDeletion(context, input),
  run: (context, input) => deleteMappings(context, input),
});
