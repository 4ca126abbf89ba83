import { defineCommand } from '../../../cli/define.ts';
import { organization } from '../../../cli/inputs/references.ts';
import { describeGroup } from './group.ts';
import { activeWithin } from './past-inputs.ts';
import { organizationView } from './view.ts';

export default defineCommand({
  path: ['iam', 'organizations', 'describe'],
  summary: 'Show one organization.',
  inputs: {
    organization: {
      kind: organization,
      positional: 'ORGANIZATION',
      flag: false,
      required: true,
      help: 'Name or id of the organization.',
      question: 'Which organization would you like to see?',
    },
    activeWithin,
  },
  examples: [
    { text: 'By name', args: 'example.com' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: organizationView,
  formats: ['json', 'table', 'id'],
  run: (context, input) => describeGroup(context, input.organization),
});
