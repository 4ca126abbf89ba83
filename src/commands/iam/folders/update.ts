import { changeOf, defineCommand } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { folder } from '../../../cli/inputs/references.ts';
import { updateGroup } from '../organizations/group-changes.ts';
import { groupView } from '../organizations/view.ts';

export default defineCommand({
  path: ['iam', 'folders', 'update'],
  summary: 'Change the name or the description of a folder.',
  inputs: {
    folder: {
      kind: folder,
      positional: 'FOLDER',
      flag: false,
      required: true,
      help: 'Name, path such as "example.com/backend", or id of the folder.',
      question: 'Which folder would you like to change?',
    },
    name: { kind: resourceName, short: 'n', help: 'The new name.' },
    description: { kind: description, short: 'd', help: 'What the folder is for. Pass an empty string to clear it.' },
  },
  check: [changeOf('name', 'description')],
  examples: [
    { text: 'Another name', args: 'my-folder --name=new-folder-name' },
    { text: 'No description any more', args: 'my-folder --description=""' },
  ],
  view: groupView,
  formats: ['table', 'json', 'id'],
  run: (context, { folder: one, name, description: text }) => updateGroup(context, one, { name, description: text }),
});
