import { defineCommand, exclusive } from '../../../../cli/define.ts';
import { confirmDeletion, deleteMappings, deletionInputs } from '../../external-group-role-mappings/mappings.ts';
import { idpInput } from './idp.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'group-mappings', 'delete'],
  summary: 'Take roles from groups of an identity provider.',
  description: 'Sessions that have such a role keep it until they end, within the hour.',
  aliases: ['rm', 'remove'],
  inputs: { idp: idpInput, ...deletionInputs },
  check: [exclusive('mapping', 'all')],
  examples: [
    { text: 'One mapping', args: 'my-idp 9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07/1f0f5d5bf1a0b3c4' },
    { text: 'All of them', args: 'my-idp --all' },
  ],
  confirm: (input, context) => confirmDeletion(context, input),
  run: (context, input) => deleteMappings(context, input),
});
