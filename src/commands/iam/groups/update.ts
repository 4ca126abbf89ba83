import { changeOf, defineCommand } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { updateGroup } from '../organizations/group-changes.ts';
import { groupInput, groupsView } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'update'],
  summary: 'Change the name or the description of a group.',
  inputs: {
    group: groupInput('Which group would you like to change?'),
    name: { kind: resourceName, short: 'n', help: 'The new name.' },
    description: { kind: description, short: 'd', help: 'What the group is for. Pass an empty string to clear it.' },
  },
  check: [changeOf('name', 'description')],
  examples: [{ text: 'Another name', args: 'my-group --name=new-group-name' }],
  view: groupsView,
  formats: ['table', 'json', 'id'],
  hidden: true,
  deprecated: 'use `chainctl iam folders update`',
  run: (context, { group, name, description: text }) => updateGroup(context, group, { name, description: text }),
});
