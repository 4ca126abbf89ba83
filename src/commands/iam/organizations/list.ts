import { defineCommand } from '../../../cli/define.ts';
import { inTreeOrder } from '../../../cli/inputs/references.ts';
import { organizationView } from './view.ts';

export default defineCommand({
  path: ['iam', 'organizations', 'list'],
  summary: 'List the organizations you belong to.',
  aliases: ['ls'],
  inputs: {},
  examples: [
    { text: 'Everything you belong to', args: '' },
    { text: 'Only the ids, for a script', args: '--output=id' },
  ],
  view: organizationView,
  formats: ['tree', 'table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: async (context) => {
    const answer = await (await context.api()).call('iam.v1.Groups.List', { uidp: { inRoot: true } });
    return inTreeOrder(answer.items ?? []);
  },
});
