import { compact } from '../../../api/compact.ts';
import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import { ancestry } from '../../../api/uidp.ts';
import { defineView, type TreeNode } from '../../../cli/define.ts';

/** Organizations and folders alike: both are groups on the wire. */
export const groupView = defineView<IamGroup>({
  id: (group) => group.id ?? '',
  columns: [
    { head: 'ID', id: true, value: (group) => group.id },
    { head: 'NAME', value: (group) => group.name },
    { head: 'DESCRIPTION', rank: 2, value: (group) => group.description },
  ],
  json: compact,
  tree: (groups) => nest(groups),
  envelope: 'items',
  empty: 'There is nothing here that you may see.',
});

/** Organizations also have a status (script-contracts 3). */
export const organizationView = defineView<IamGroup>({
  ...groupView,
  columns: [
    { head: 'ID', id: true, value: (group) => group.id },
    { head: 'NAME', value: (group) => group.name },
    {
      head: 'STATUS',
      rank: 1,
      state: (group) => (statusWord(group) === 'READY' ? 'pass' : undefined),
      value: (group) => statusWord(group),
    },
    { head: 'DESCRIPTION', rank: 2, value: (group) => group.description },
  ],
  empty:
    'You belong to no organization yet. Create one with `chainctl iam organizations create`, or accept an invite with ' +
    '`chainctl auth login --invite-code=CODE`.',
});

/** `ORG_STATUS_READY` → `READY`; unspecified is blank. */
function statusWord(group: IamGroup): string {
  return (group.status ?? '').replace(/^ORG_STATUS_/, '').replace(/^UNSPECIFIED$/, '');
}

export const groupLabel = (group: IamGroup) => `[${group.name}]${group.description ? ` ${group.description}` : ''}`;

/** Groups below the nearest of their ancestors that is in the list, in the order of the list. */
export function nest(groups: readonly IamGroup[], labelOf = groupLabel): TreeNode[] {
  const nodes = new Map(groups.map((group) => [group.id ?? '', { label: labelOf(group), children: [] as TreeNode[] }]));
  const roots: TreeNode[] = [];
  for (const [id, node] of nodes) {
    const around = ancestry(id)
      .slice(1)
      .map((ancestor) => nodes.get(ancestor))
      .find((one) => one !== undefined);
    (around?.children ?? roots).push(node);
  }
  return roots;
}
