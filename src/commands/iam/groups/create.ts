import { defineCommand, exclusive } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { createGroup, groupQuestion } from '../organizations/create-group.ts';
import { skipRefreshInput } from '../organizations/group-changes.ts';
import { groupsView } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'create'],
  summary: 'Create an organization or a folder.',
  description: 'Without a parent an organization, which you own; with one a folder in it.',
  deprecated: 'use `chainctl iam organizations create` or `chainctl iam folders create`',
  inputs: {
    name: {
      kind: resourceName,
      positional: 'GROUP_NAME',
      flag: false,
      required: true,
      help: 'Name of the new organization or folder.',
      question: 'What is the group called?',
    },
    parent: {
      kind: group,
      aliases: ['group'],
      requiredUnless: 'noParent',
      config: 'default.group',
      configWhen: (given) => !given.has('noParent'),
      help: 'Organization or folder in which to create a folder.',
      question: 'Where does the folder belong?',
    },
    noParent: { kind: boolean, help: 'Create an organization.' },
    description: { kind: description, short: 'd', help: 'What it is for.' },
    skipRefresh: skipRefreshInput,
  },
  check: [exclusive('parent', 'noParent')],
  examples: [
    { text: 'An organization', args: 'my-org --no-parent' },
    { text: 'A folder', args: 'my-folder --parent=example.com --yes' },
  ],
  view: groupsView,
  formats: ['table', 'json', 'id'],
  confirm: (input) => groupQuestion(input),
  run: (context, input) => createGroup(context, input, input.skipRefresh),
});
