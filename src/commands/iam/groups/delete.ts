import { defineCommand } from '../../../cli/define.ts';
import { deleteGroup, deletionQuestion, skipRefreshInput } from '../organizations/group-changes.ts';
import { groupInput } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'delete'],
  summary: 'Delete an organization or folder.',
  aliases: ['rm'],
  inputs: {
    group: groupInput('Which group would you like to delete?'),
    skipRefresh: skipRefreshInput,
  },
  examples: [
    { text: 'By name', args: 'my-group' },
    { text: 'Pick it from a list', args: '' },
  ],
  hidden: true,
  deprecated: 'use `chainctl iam organizations delete` or `chainctl iam folders delete`',
  confirm: ({ group }, context) => deletionQuestion(context, group),
  run: (context, { group, skipRefresh }) => deleteGroup(context, group, skipRefresh),
});
