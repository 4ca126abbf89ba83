import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { identityProvider } from '../identity-providers/identity-provider.ts';
import { listMappings } from './mappings.ts';
import { mappingView } from './view.ts';

export default defineCommand({
  path: ['iam', 'external-group-role-mappings', 'list'],
  summary: 'List roles that groups of identity providers get.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      help: 'Organization or folder to look in.',
      question: 'Which organization would you like to see?',
    },
    idp: { kind: identityProvider, help: 'Only mappings of this identity provider, by name or id.' },
  },
  examples: [
    { text: 'All of an organization', args: '--parent=example.com' },
    { text: 'Of one identity provider', args: '--parent=example.com --idp=my-idp' },
  ],
  view: mappingView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: (context, input) => listMappings(context, input),
});
