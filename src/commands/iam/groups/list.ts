import { defineCommand } from '../../../cli/define.ts';
import { inTreeOrder } from '../../../cli/inputs/references.ts';
import { arranged } from '../../../cli/output/ordered.ts';
import { groupsView } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'list'],
  summary: 'List organizations and folders.',
  aliases: ['ls'],
  inputs: {},
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'Only the ids, for a script', args: '--output=id' },
  ],
  view: groupsView,
  formats: ['tree', 'table', 'json', 'id', 'csv', 'wide', 'markdown'],
  hidden: true,
  deprecated: 'use `chainctl iam organizations list` or `chainctl iam folders list`',
  run: async (context) => arranged((await context.api()).list('iam.v1.Groups.List', {}), inTreeOrder),
});
