import type { IamRoleBindingListBinding } from '../../../api/schema/types.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { ordered } from '../../../cli/output/ordered.ts';
import { isListed, type Recursion, uidpFilter } from '../recursion.ts';
import { addressOf, groupName, roleName } from './bindings.ts';
import { bindingView, type ShownBinding, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'role-bindings', 'list'],
  summary: 'List who holds which role where.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      help: 'Only bindings at this organization or folder.',
    },
    recursive: {
      kind: boolean,
      default: 'true',
      help: 'Also bindings in folders below. `--recursive=false` leaves them out.',
    },
  },
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'Drawn as the locations nest', args: '--parent=example.com --output=tree' },
    { text: 'Bindings at the organization itself', args: '--parent=example.com --recursive=false' },
  ],
  view: bindingView,
  formats: ['table', 'json', 'tree', 'id', 'csv', 'wide', 'markdown'],
  run: (context, input) => ordered(listed(context, input), ({ binding }) => placeThenHolder(binding)),
});

async function* listed(context: Context, input: Recursion): AsyncGenerator<ShownBinding> {
  for await (const binding of (await context.api()).list('iam.v1.RoleBindings.List', uidpFilter(input))) {
    if (isListed(binding, input)) yield shown(context, binding);
  }
}

const placeThenHolder = (one: IamRoleBindingListBinding): string =>
  [groupName(one), addressOf(one) || one.identity || '', roleName(one), one.id ?? ''].join('\u0000');
