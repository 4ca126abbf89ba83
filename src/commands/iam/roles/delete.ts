import { defineCommand } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import { customRole, lookUpCustomRole } from './custom-role.ts';
import { roleView } from './view.ts';

export default defineCommand({
  path: ['iam', 'roles', 'delete'],
  summary: 'Delete a custom role.',
  description: 'A role that is bound cannot be deleted, and neither can one that is built in.',
  aliases: ['rm'],
  inputs: {
    role: {
      kind: customRole,
      positional: 'ROLE',
      flag: false,
      required: true,
      help: 'Name or id of the role.',
      question: 'Which role would you like to delete?',
    },
  },
  examples: [
    { text: 'By name', args: 'my-role' },
    { text: 'For a script', args: 'my-role --yes --output=id' },
  ],
  view: roleView,
  formats: ['table', 'json', 'id'],
  confirm: async ({ role }, context) => {
    const { name, id } = await lookUpCustomRole(context, role);
    return { message: printable(`This deletes the role "${name}" (${id}). Do you want to continue?`), default: false };
  },
  run: async (context, { role }) => {
    const found = await lookUpCustomRole(context, role);
    await (await context.api()).call('iam.v1.Roles.Delete', { id: role.id });
    return found;
  },
});
