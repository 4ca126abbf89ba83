import { changeOf, defineCommand } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { folder, type Reference } from '../../../cli/inputs/references.ts';
import { describeGroup } from '../organizations/group.ts';
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
    name: {
      kind: resourceName,
      short: 'n',
      help: 'The new name.',
      current: async (_context, { folder: one }) => (one as Reference).name,
    },
    description: {
      kind: description,
      short: 'd',
      help: 'What the folder is for. Pass an empty string to clear it.',
      current: async (context, { folder: one }) => (await describeGroup(context, one as Reference)).description,
    },
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
