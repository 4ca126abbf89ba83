import { defineCommand } from '../../../../cli/define.ts';
import { listMappings } from '../../external-group-role-mappings/mappings.ts';
import { mappingView } from '../../external-group-role-mappings/view.ts';
import { idpInput } from './idp.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'group-mappings', 'list'],
  summary: 'List roles that groups of an identity provider get.',
  aliases: ['ls'],
  inputs: { idp: idpInput },
  examples: [
    { text: 'By name', args: 'my-idp' },
    { text: 'Pick the identity provider', args: '' },
  ],
  view: mappingView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: (context, input) => listMappings(context, input),
});
