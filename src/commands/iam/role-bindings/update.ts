import type { IamRoleBindingListBinding } from '../../../api/schema/types/iam.gen.ts';
import { changeOf, defineCommand, type Inputs, type InputValues } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import { roleAt } from '../roles/role.ts';
import { bindingKind, fetchBinding, groupName, holderOf, lookUpBinding, principalAt, roleName } from './bindings.ts';
import { bindingView, shown } from './view.ts';

const inputs = {
  binding: {
    kind: bindingKind,
    positional: 'BINDING_ID',
    flag: false,
    required: true,
    help: 'Id of the role binding.',
    question: 'Which role binding would you like to change?',
  },
  role: { kind: roleAt('binding'), help: 'Name or id of the role that takes the place of the present one.' },
  identity: { kind: principalAt('binding'), help: 'Name, address or id of who holds the role from now on.' },
} as const satisfies Inputs;

function planOf(input: InputValues<typeof inputs>, before: IamRoleBindingListBinding) {
  const identity = input.identity?.id ?? before.identity ?? '';
  const wanted = input.role?.id ?? before.role?.id ?? '';
  return { before, identity, role: wanted, changes: identity !== before.identity || wanted !== before.role?.id };
}

export default defineCommand({
  path: ['iam', 'role-bindings', 'update'],
  summary: 'Change the role or the holder of a binding.',
  inputs,
  check: [changeOf('role', 'identity')],
  examples: [
    {
      text: 'Another role',
      args: 'fb694596eb1678321f94eec283e1e0be690f655c/a2973bac66ebfde3 --role=editor',
    },
    {
      text: 'Another holder',
      args: 'fb694596eb1678321f94eec283e1e0be690f655c/a2973bac66ebfde3 --identity=support-identity',
    },
  ],
  view: bindingView,
  formats: ['table', 'json', 'id'],
  confirm: async (input, context) => {
    const { before, changes } = planOf(input, await lookUpBinding(context, input.binding.id));
    if (!changes) return undefined;
    const holder = await holderOf(context, before);
    const lines = [
      `This changes a role binding in "${groupName(before)}":`,
      `  from  ${holder}: ${roleName(before)}`,
      `  to    ${input.identity?.name ?? holder}: ${input.role?.name ?? roleName(before)}`,
      'Do you want to continue?',
    ];
    return { message: lines.map(printable).join('\n'), default: true };
  },
  run: async (context, input) => {
    const { before, identity, role: wanted, changes } = planOf(input, await fetchBinding(context, input.binding.id));
    if (!changes) {
      context.io.note('The role binding is like that already.');
      return shown(context, before);
    }
    const api = await context.api();
    await api.call('iam.v1.RoleBindings.Update', { id: input.binding.id, identity, role: wanted });
    // The answer has ids only, and what was looked up before is no longer so.
    const [after = { id: input.binding.id, identity, role: { id: wanted } }] =
      (await api.call('iam.v1.RoleBindings.List', { id: input.binding.id })).items ?? [];
    return shown(context, after);
  },
});
