import { defineDelete } from '../../../cli/noun-commands.ts';
import { deletionOfGroup } from '../organizations/group-changes.ts';
import { groupNoun } from './group-input.ts';

export default defineDelete({
  path: ['iam', 'groups', 'delete'],
  summary: 'Delete an organization or folder.',
  examples: [
    { text: 'By name', args: 'my-group' },
    { text: 'Pick it from a list', args: '' },
  ],
  hidden: true,
  deprecated: 'use `chainctl iam organizations delete` or `chainctl iam folders delete`',
  ...deletionOfGroup(groupNoun),
});
