import { defineDescribe } from '../../../cli/noun-commands.ts';
import { describeGroup } from '../organizations/group.ts';
import { activeWithin } from '../organizations/past-inputs.ts';
import { groupView } from '../organizations/view.ts';
import { folderNoun } from './noun.ts';

export default defineDescribe({
  path: ['iam', 'folders', 'describe'],
  summary: 'Show one folder.',
  noun: folderNoun,
  inputs: { activeWithin },
  examples: [
    { text: 'By name', args: 'backend' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: groupView,
  run: describeGroup,
});
