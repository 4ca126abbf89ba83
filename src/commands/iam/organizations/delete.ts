import { defineCommand } from '../../../cli/define.ts';
import { organization } from '../../../cli/inputs/references.ts';
import { deleteGroup, deletionQuestion, skipRefreshInput } from './group-changes.ts';

export default defineCommand({
  path: ['iam', 'organizations', 'delete'],
  summary: 'Delete an organization.',
  description: 'An organization that still holds folders, repositories, identities or roles cannot be deleted.',
  aliases: ['rm'],
  inputs: {
    organization: {
      kind: { ...organization, sole: async () => undefined },
      positional: 'ORGANIZATION',
      flag: false,
      required: true,
      help: 'Name or id of the organization.',
      question: 'Which organization would you like to delete?',
    },
    skipRefresh: skipRefreshInput,
  },
  examples: [
    { text: 'By name', args: 'my-org' },
    { text: 'Pick it from a list', args: '' },
  ],
  confirm: ({ organization: one }, context) => deletionQuestion(context, one),
  run: (context, { organization: one, skipRefresh }) => deleteGroup(context, one, skipRefresh),
});
