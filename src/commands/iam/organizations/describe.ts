import { defineDescribe } from '../../../cli/noun-commands.ts';
import { describeGroup } from './group.ts';
import { organizationNoun } from './noun.ts';
import { activeWithin } from './past-inputs.ts';
import { organizationView } from './view.ts';

export default defineDescribe({
  path: ['iam', 'organizations', 'describe'],
  summary: 'Show one organization.',
  noun: organizationNoun,
  inputs: { activeWithin },
  examples: [
    { text: 'By name', args: 'example.com' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: organizationView,
  run: describeGroup,
});
