import { defineDelete } from '../../../cli/noun-commands.ts';
import { deletionOfGroup } from '../organizations/group-changes.ts';
import { folderNoun } from './noun.ts';

export default defineDelete({
  path: ['iam', 'folders', 'delete'],
  summary: 'Delete a folder.',
  description: 'A folder that still holds folders, repositories, identities or roles cannot be deleted.',
  examples: [
    { text: 'By name', args: 'my-folder' },
    { text: 'Pick it from a list', args: '' },
  ],
  ...deletionOfGroup(folderNoun),
});
