import { defineCommand } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { group } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { capability, withNearMiss } from './capabilities-data.ts';
import { roleView } from './view.ts';

export default defineCommand({
  path: ['iam', 'roles', 'create'],
  summary: 'Create a custom role.',
  description: 'A custom role can be bound where it is made and in the folders below.',
  inputs: {
    name: {
      kind: resourceName,
      positional: 'ROLE_NAME',
      flag: false,
      required: true,
      help: 'Name of the new role.',
      question: 'What is the role called?',
    },
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder that the role belongs to.',
      question: 'Where does the role belong?',
    },
    capabilities: {
      kind: capability,
      many: true,
      required: true,
      askWhenEmpty: true,
      help: 'What the role allows, such as "groups.list".',
      question: 'Which capabilities does the role have?',
    },
    description: { kind: description, help: 'What the role is for.' },
  },
  examples: [
    {
      text: 'With everything on the command line',
      args: 'my-role --parent=engineering --capabilities=groups.list,repo.list',
    },
    { text: 'Pick the location and the capabilities', args: 'my-role' },
  ],
  view: roleView,
  formats: ['table', 'json', 'id'],
  confirm: ({ name, parent, capabilities }) => ({
    message: [
      `This creates the role "${name}" in "${parent.name}".`,
      `  with  ${[...new Set(capabilities)].join(', ')}`,
      'Do you want to continue?',
    ]
      .map(printable)
      .join('\n'),
    default: true,
  }),
  run: async (context, { name, parent, capabilities, description: about }) => {
    const api = await context.api();
    const role = {
      name,
      capabilities: [...new Set(capabilities)],
      ...(about === undefined ? {} : { description: about }),
    };
    return withNearMiss(capabilities, () => api.call('iam.v1.Roles.Create', { parentId: parent.id, role }));
  },
});
