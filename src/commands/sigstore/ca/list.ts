import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { visibleAuthorities } from '../authority.ts';
import { authorityView } from './view.ts';

export default defineCommand({
  path: ['sigstore', 'ca', 'list'],
  summary: 'List certificate authorities.',
  aliases: ['ls'],
  inputs: {
    group: {
      kind: group,
      aliases: ['parent'],
      config: 'default.group',
      help: 'Only those of this organization or folder, or below it.',
    },
  },
  examples: [{ text: 'Everything you may see', args: '' }],
  view: authorityView,
  formats: ['table', 'json', 'id', 'csv', 'markdown'],
  run: async (context, { group: parent }) => visibleAuthorities(context, parent?.id),
});
