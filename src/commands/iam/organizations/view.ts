import type { IamGroup } from '../../../api/schema/types.gen.ts';
import { isAncestor } from '../../../api/uidp.ts';
import { defineView, type TreeNode } from '../../../cli/define.ts';

/** Organizations and folders alike: both are groups on the wire. */
export const groupView = defineView<IamGroup>({
  id: (group) => group.id ?? '',
  columns: [
    { head: 'ID', value: (group) => group.id },
    { head: 'NAME', value: (group) => group.name },
    { head: 'DESCRIPTION', value: (group) => group.description },
  ],
  tree: (groups) => nest(groups),
  envelope: 'items',
  empty: 'There is nothing here that you may see.',
});

/** Organizations also have a status (script-contracts 3). */
export const organizationView = defineView<IamGroup>({
  ...groupView,
  columns: [
    { head: 'ID', value: (group) => group.id },
    { head: 'NAME', value: (group) => group.name },
    { head: 'STATUS', value: (group) => statusWord(group) },
    { head: 'DESCRIPTION', value: (group) => group.description },
  ],
  empty: 'You belong to no organization yet.',
});

/** `ORG_STATUS_READY` → `READY`; unspecified is blank. */
function statusWord(group: IamGroup): string {
  return (group.status ?? '').replace(/^ORG_STATUS_/, '').replace(/^UNSPECIFIED$/, '');
}

const labelOf = (group: IamGroup) => `[${group.name}]${group.description ? ` ${group.description}` : ''}`;

/** Groups below the nearest of their ancestors that is in the list; the list comes parents first. */
function nest(groups: readonly IamGroup[]): TreeNode[] {
  const below = (parent: IamGroup | undefined): TreeNode[] =>
    groups
      .filter((group) => nearestAncestor(group, groups) === parent)
      .map((group) => ({ label: labelOf(group), children: below(group) }));
  return below(undefined);
}

function nearestAncestor(group: IamGroup, groups: readonly IamGroup[]): IamGroup | undefined {
  return groups
    .filter((other) => isAncestor(other.id ?? '', group.id ?? ''))
    .sort((a, b) => (b.id ?? '').length - (a.id ?? '').length)[0];
}
