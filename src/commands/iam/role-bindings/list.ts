import type { IamRoleBindingListBinding } from '../../../api/schema/types/iam.gen.ts';
import { ancestry } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, type Inputs, type InputValues } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { ordered } from '../../../cli/output/ordered.ts';
import { unseenAround } from '../access/facts.ts';
import { isListed, uidpFilter } from '../recursion.ts';
import { role } from '../roles/role.ts';
import { addressOf, groupName, principal, roleName } from './bindings.ts';
import { bindingListView, type ShownBinding, shown } from './view.ts';

/** Nobody said: people see what counts, scripts the rows of the API. */
const whenShown: Kind<boolean | 'auto'> & { readonly boolean: true } = {
  ...boolean,
  parse: (text) => (text === 'auto' ? text : boolean.parse(text)),
};

/** Of any place: the list may hold roles that were made below its location. */
const anyRole: Kind<{ readonly id: string }> = {
  ...role,
  resolve: async (context, text) => (await role.resolve?.(context, text, {})) ?? { id: text },
  candidates: async (context) => (await role.candidates?.(context, {})) ?? [],
};

const inputs = {
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
  effective: {
    kind: whenShown,
    default: 'auto',
    help: 'Also bindings made above that count at the location; on a terminal they are shown anyway.',
  },
  identity: { kind: principal, help: 'Only what this identity, or user by address, holds.' },
  role: { kind: anyRole, help: 'Only bindings of this role.' },
} as const satisfies Inputs;

export default defineCommand({
  path: ['iam', 'role-bindings', 'list'],
  summary: 'List who holds which role where.',
  aliases: ['ls'],
  inputs,
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'Drawn as the locations nest', args: '--parent=example.com --output=tree' },
    { text: 'Everything that counts in a folder', args: '--parent=engineering --effective --output=csv' },
    { text: 'Bindings at the organization itself', args: '--parent=example.com --recursive=false' },
  ],
  view: bindingListView,
  formats: ['table', 'json', 'tree', 'id', 'csv', 'wide', 'markdown'],
  run: (context, input) => ordered(listed(context, input), ({ binding }) => placeThenHolder(binding)),
});

async function* listed(context: Context, input: InputValues<typeof inputs>): AsyncGenerator<ShownBinding> {
  const api = await context.api();
  const isWanted = ({ identity, role: held }: IamRoleBindingListBinding) =>
    (input.identity === undefined || identity === input.identity.id) &&
    (input.role === undefined || held?.id === input.role.id);
  for await (const binding of api.list('iam.v1.RoleBindings.List', uidpFilter(input))) {
    if (isListed(binding, input) && isWanted(binding)) yield shown(context, binding);
  }
  const { parent, effective } = input;
  const isForPeople =
    context.globals.output === undefined && context.globals.query === undefined && context.io.outIsTty;
  // Beside json nothing is said, so nobody is asked.
  const isSilent = context.isJsonAlone || context.globals.output === 'json';
  if (parent === undefined || effective === false || (effective === 'auto' && isSilent)) return;
  const isShown = effective === true || isForPeople;
  let left = 0;
  for (const above of ancestry(parent.id).slice(1)) {
    for await (const binding of api.list('iam.v1.RoleBindings.List', { uidp: { childrenOf: above } })) {
      if (!isWanted(binding)) continue;
      if (isShown) yield { ...shown(context, binding), inherited: true };
      else left += 1;
    }
  }
  if (left > 0) {
    const bindings = left === 1 ? 'One binding' : `${left} bindings`;
    context.io.note(`${bindings} made above also ${left === 1 ? 'counts' : 'count'} here; \`--effective\` lists them.`);
  }
  if (!isShown || isSilent) return;
  for (const sentence of await unseenAround(context, parent.id)) context.io.warn(sentence);
}

const placeThenHolder = (one: IamRoleBindingListBinding): string =>
  [groupName(one), addressOf(one) || one.identity || '', roleName(one), one.id ?? ''].join('\u0000');
