import { defineDescribe } from '../../../cli/noun-commands.ts';
import { describeGroup } from '../organizations/group.ts';
import { activeWithin } from '../organizations/past-inputs.ts';
import { groupNoun, groupsView } from './group-input.ts';

export default defineDescribe({
  path: ['iam', 'groups', 'describe'],
  summary: 'Show one organization or folder.',
  noun: groupNoun,
  inputs: { activeWithin },
  examples: [
    { text: 'By name', args: 'example.com' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: groupsView,
  hidden: true,
  deprecated: 'use `chainctl iam organizations describe` or `chainctl iam folders describe`',
  run: describeGroup,
});
