import { defineDelete } from '../../../cli/noun-commands.ts';
import { bindingKind, groupName, holderOf, lookUpBinding, roleName } from './bindings.ts';
import { bindingView, shown } from './view.ts';

export default defineDelete({
  path: ['iam', 'role-bindings', 'delete'],
  summary: 'Take a role away again.',
  description: 'The last owner of an organization cannot be removed.',
  noun: { kind: bindingKind, positional: 'ROLE_BINDING_ID', help: 'Id of the role binding.', called: 'role binding' },
  examples: [
    {
      text: 'By its id',
      args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07/55b470f08e38b4d2',
    },
    { text: 'Pick it from a list', args: '' },
  ],
  view: bindingView,
  formats: ['id'],
  describeConsequence: async (context, binding) => {
    const found = await lookUpBinding(context, binding.id);
    const who = await holderOf(context, found);
    return `This takes the role "${roleName(found)}" in "${groupName(found)}" from "${who}".`;
  },
  run: async (context, { id }) => {
    await (await context.api()).call('iam.v1.RoleBindings.Delete', { id });
    return shown(context, { id });
  },
});
