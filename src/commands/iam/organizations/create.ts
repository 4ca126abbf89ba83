import { defineCommand } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { createGroup, groupQuestion } from './create-group.ts';
import { skipRefreshInput } from './group-changes.ts';
import { organizationView } from './view.ts';

export default defineCommand({
  path: ['iam', 'organizations', 'create'],
  summary: 'Create an organization, which you own.',
  inputs: {
    name: {
      kind: resourceName,
      positional: 'NAME',
      flag: false,
      required: true,
      help: 'Name of the new organization.',
      question: 'What is the organization called?',
    },
    description: { kind: description, short: 'd', help: 'What it is for.' },
    skipRefresh: skipRefreshInput,
  },
  examples: [
    { text: 'By name', args: 'my-org' },
    { text: 'Only the id, for a script', args: 'my-org --yes --output=id' },
  ],
  view: organizationView,
  formats: ['table', 'json', 'id'],
  confirm: (input) => groupQuestion({ ...input, parent: undefined }),
  run: (context, { skipRefresh, ...input }) => createGroup(context, { ...input, parent: undefined }, skipRefresh),
});
