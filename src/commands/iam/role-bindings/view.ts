import { compact } from '../../../api/compact.ts';
import type { IamGroup, IamRoleBindingListBinding } from '../../../api/schema/types/iam.gen.ts';
import { ancestry, parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView, type TreeNode } from '../../../cli/define.ts';
import { groupDirectory } from '../../../cli/inputs/references.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import { groupLabel } from '../organizations/view.ts';
import { groupName, holderOf, lastUseOf, roleName } from './bindings.ts';

export interface ShownBinding {
  readonly binding: IamRoleBindingListBinding;
  /** Holder of the role; looked up when it is shown. */
  readonly holder: () => Promise<string>;
  /** When the holder was last seen, where the platform tells; looked up when it is shown. */
  readonly lastUse: () => Promise<string | undefined>;
  /** It was made above the location that the list is about, and counts there. */
  readonly inherited?: true;
  /** The visible groups around the binding; looked up when a tree is drawn. */
  readonly around: () => Promise<ReadonlyMap<string, IamGroup>>;
}

export const shown = (context: Context, binding: IamRoleBindingListBinding): ShownBinding => ({
  binding,
  holder: () => holderOf(context, binding),
  lastUse: () => lastUseOf(context, binding),
  around: async () => (await groupDirectory(context)).byId,
});

export const bindingView = defineView<ShownBinding>({
  id: ({ binding }) => binding.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ binding }) => binding.id },
    { head: 'IDENTITY', value: ({ holder }) => holder() },
    { head: 'ROLE', value: ({ binding }) => roleName(binding) },
    { head: 'LOCATION', value: ({ binding, inherited }) => `${groupName(binding)}${marked(inherited)}` },
    { head: 'IDENTITY ID', id: true, value: ({ binding }) => binding.identity, wide: true },
    { head: 'ISSUER', value: ({ binding }) => binding.claimMatchIssuer, wide: true },
    { head: 'SUBJECT', value: ({ binding }) => binding.claimMatchSubject, wide: true },
    { head: 'CREATED', value: ({ binding }, cell) => sinceCell(binding.createdAt, cell), wide: true },
  ],
  // Two readers expect the names of the wire, one expects flat ones (script-contracts 8).
  json: ({ binding, inherited }) => ({
    ...Object.fromEntries(Object.entries(Object(compact(binding)))),
    identity_id: binding.identity ?? '',
    role_name: roleName(binding),
    ...(inherited ? { inherited } : {}),
  }),
  envelope: 'items',
  tree: nestBindings,
  empty: 'No role bindings found.',
});

/** With what only a list tells. */
export const bindingListView = defineView<ShownBinding>({
  ...bindingView,
  columns: [
    ...(bindingView.columns ?? []),
    { head: 'LAST USED', value: async ({ lastUse }, cell) => sinceCell(await lastUse(), cell), wide: true },
  ],
});

const marked = (inherited: true | undefined) => (inherited ? ' (inherited)' : '');

/** Locations as they nest; in each the bindings made there, then the locations below it (outputs.md, Tree). */
async function nestBindings(bindings: readonly ShownBinding[]): Promise<TreeNode[]> {
  const groups = new Map<string, IamGroup>();
  const lines = new Map<string, string[]>();
  for (const { binding, around, holder, inherited } of bindings) {
    const place = binding.group?.id || parentOf(binding.id ?? '');
    const visible = await around();
    for (const id of ancestry(place)) {
      const group = visible.get(id) ?? (id === place ? binding.group : undefined);
      if (group !== undefined) groups.set(id, group);
    }
    const line = `${await holder()}: ${roleName(binding)}${marked(inherited)}`;
    lines.set(place, [...(lines.get(place) ?? []), line]);
  }
  const nodes = new Map(
    [...groups].map(([id, group]) => [
      id,
      {
        name: group.name ?? '',
        label: groupLabel(group),
        children: (lines.get(id) ?? []).sort().map((label): TreeNode => ({ label, children: [] })),
      },
    ]),
  );
  const roots: TreeNode[] = [];
  for (const [id, node] of [...nodes].sort(([a, one], [b, other]) => order(one.name, other.name) || order(a, b))) {
    const parent = ancestry(id)
      .slice(1)
      .map((ancestor) => nodes.get(ancestor))
      .find((one) => one !== undefined);
    (parent?.children ?? roots).push(node);
  }
  return roots;
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
