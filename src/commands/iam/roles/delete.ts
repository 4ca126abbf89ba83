import { defineDelete } from '../../../cli/noun-commands.ts';
import { customRole, lookUpCustomRole } from './custom-role.ts';
import { roleView } from './view.ts';

export default defineDelete({
  path: ['iam', 'roles', 'delete'],
  summary: 'Delete a custom role.',
  description: 'A role that is bound cannot be deleted, and neither can one that is built in.',
  noun: { kind: customRole, positional: 'ROLE', help: 'Name or id of the role.', called: 'role' },
  examples: [
    { text: 'By name', args: 'my-role' },
    { text: 'For a script', args: 'my-role --yes --output=id' },
  ],
  view: roleView,
  formats: ['table', 'json', 'id'],
  describeConsequence: async (context, role) => {
    const { name, id } = await lookUpCustomRole(context, role);
    return `This deletes the role "${name}" (${id}).`;
  },
  run: async (context, role) => {
    const found = await lookUpCustomRole(context, role);
    await (await context.api()).call('iam.v1.Roles.Delete', { id: role.id });
    return found;
  },
});
