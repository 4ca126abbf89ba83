import { defineCommand } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import { bindingKind, groupName, holderOf, lookUpBinding, roleName } from './bindings.ts';
import { bindingView, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'role-bindings', 'delete'],
  summary: 'Take a role away again.',
  description: 'The last owner of an organization cannot be removed.',
  aliases: ['rm'],
  inputs: {
    binding: {
      kind: bindingKind,
      positional: 'ROLE_BINDING_ID',
      flag: false,
      required: true,
      help: 'Id of the role binding.',
      question: 'Which role binding would you like to delete?',
    },
  },
  examples: [
    {
      text: 'By its id',
      args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07/55b470f08e38b4d2',
    },
    { text: 'Pick it from a list', args: '' },
  ],
  view: bindingView,
  formats: ['id'],
  confirm: async ({ binding }, context) => {
    const found = await lookUpBinding(context, binding.id);
    const who = await holderOf(context, found);
    return {
      message: printable(
        `This takes the role "${roleName(found)}" in "${groupName(found)}" from "${who}". Do you want to continue?`,
      ),
      default: false,
    };
  },
  run: async (context, { binding }) => {
    await (await context.api()).call('iam.v1.RoleBindings.Delete', { id: binding.id });
    return shown(context, { id: binding.id });
  },
});
