import { defineCommand } from '../../../cli/define.ts';
import { describeGroup } from '../organizations/group.ts';
import { activeWithin } from '../organizations/past-inputs.ts';
import { groupInput, groupsView } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'describe'],
  summary: 'Show one organization or folder.',
  inputs: { group: groupInput('Which group would you like to see?'), activeWithin },
  examples: [
    { text: 'By name', args: 'example.com' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: groupsView,
  formats: ['json', 'table', 'id'],
  hidden: true,
  deprecated: 'use `chainctl iam organizations describe` or `chainctl iam folders describe`',
  run: (context, input) => describeGroup(context, input.group),
});
