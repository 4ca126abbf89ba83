import { defineCommand } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { group } from '../../../cli/inputs/references.ts';
import { createGroup, groupQuestion } from '../organizations/create-group.ts';
import { groupView } from '../organizations/view.ts';

export default defineCommand({
  path: ['iam', 'folders', 'create'],
  summary: 'Create a folder.',
  inputs: {
    name: {
      kind: resourceName,
      positional: 'NAME',
      flag: false,
      required: true,
      help: 'Name of the new folder.',
      question: 'What is the folder called?',
    },
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder in which to create it.',
      question: 'Where does the folder belong?',
    },
    description: { kind: description, short: 'd', help: 'What it is for.' },
  },
  examples: [
    { text: 'In an organization', args: 'backend --parent=example.com' },
    { text: 'Only the id, for a script', args: 'backend --parent=example.com --yes --output=id' },
  ],
  view: groupView,
  formats: ['table', 'json', 'id'],
  confirm: groupQuestion,
  run: (context, input) => createGroup(context, input, false),
});
