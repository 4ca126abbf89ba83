import { defineCommand } from '../../../cli/define.ts';
import { folder } from '../../../cli/inputs/references.ts';
import { describeGroup } from '../organizations/group.ts';
import { activeWithin } from '../organizations/past-inputs.ts';
import { groupView } from '../organizations/view.ts';

export default defineCommand({
  path: ['iam', 'folders', 'describe'],
  summary: 'Show one folder.',
  inputs: {
    folder: {
      kind: folder,
      positional: 'FOLDER',
      flag: false,
      required: true,
      help: 'Name, path such as "example.com/backend", or id of the folder.',
      question: 'Which folder would you like to see?',
    },
    activeWithin,
  },
  examples: [
    { text: 'By name', args: 'backend' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: groupView,
  formats: ['json', 'table', 'id'],
  run: (context, input) => describeGroup(context, input.folder),
});
