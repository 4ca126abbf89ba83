import { defineDelete } from '../../../cli/noun-commands.ts';
import { deletionOfGroup } from './group-changes.ts';
import { organizationNoun } from './noun.ts';

export default defineDelete({
  path: ['iam', 'organizations', 'delete'],
  summary: 'Delete an organization.',
  description: 'An organization that still holds folders, repositories, identities or roles cannot be deleted.',
  examples: [
    { text: 'By name', args: 'my-org' },
    { text: 'Pick it from a list', args: '' },
  ],
  ...deletionOfGroup(organizationNoun),
});
