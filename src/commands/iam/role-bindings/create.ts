import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { role } from '../roles/role.ts';
import { principal } from './bindings.ts';
import { bindingView, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'role-bindings', 'create'],
  summary: 'Give an identity a role.',
  description: 'The role counts at the location and in everything below it.',
  inputs: {
    // Before the others, because which identities and roles there are depends on it.
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder where the role counts.',
      question: 'Where should the role apply?',
    },
    identity: {
      kind: principal,
      required: true,
      help: 'Who gets the role: name or id of an identity, or the address of a user who holds a role already.',
      question: 'Which identity should get the role?',
    },
    role: { kind: role, required: true, help: 'Name or id of the role.', question: 'Which role?' },
  },
  examples: [
    {
      text: 'With everything on the command line',
      args: '--identity=guest-identity --role=viewer --parent=engineering',
    },
    { text: 'Pick everything', args: '' },
  ],
  view: bindingView,
  formats: ['table', 'json', 'id'],
  confirm: ({ identity, role: wanted, parent }) => ({
    message: printable(
      `This gives "${identity.name}" the role "${wanted.name}" in "${parent.name}". Do you want to continue?`,
    ),
    default: true,
  }),
  run: async (context, { parent, identity, role: wanted }) => {
    const api = await context.api();
    const made = await api.call('iam.v1.RoleBindings.Create', {
      parent: parent.id,
      roleBinding: { identity: identity.id, role: wanted.id },
    });
    // The answer has ids only; whoever may not list bindings has to make do with it.
    const [binding = { ...made, group: { id: parent.id }, role: { id: wanted.id } }] =
      (await api.call('iam.v1.RoleBindings.List', { id: made.id ?? '' })).items ?? [];
    return shown(context, binding);
  },
});
