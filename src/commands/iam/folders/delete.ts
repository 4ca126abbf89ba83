import { defineCommand } from '../../../cli/define.ts';
import { folder } from '../../../cli/inputs/references.ts';
import { deleteGroup, deletionQuestion, skipRefreshInput } from '../organizations/group-changes.ts';

export default defineCommand({
  path: ['iam', 'folders', 'delete'],
  summary: 'Delete a folder.',
  description: 'A folder that still holds folders, repositories, identities or roles cannot be deleted.',
  aliases: ['rm'],
  inputs: {
    folder: {
      kind: { ...folder, sole: async () => undefined },
      positional: 'FOLDER',
      flag: false,
      required: true,
      help: 'Name, path such as "example.com/backend", or id of the folder.',
      question: 'Which folder would you like to delete?',
    },
    skipRefresh: skipRefreshInput,
  },
  examples: [
    { text: 'By name', args: 'my-folder' },
    { text: 'Pick it from a list', args: '' },
  ],
  confirm: ({ folder: one }, context) => deletionQuestion(context, one),
  run: (context, { folder: one, skipRefresh }) => deleteGroup(context, one, skipRefresh),
});
