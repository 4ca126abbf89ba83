import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import { defineView } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { groupLabel, groupView, nest } from '../organizations/view.ts';

/** An organization or folder. Which one is meant is not guessed, because it may be to delete it. */
export const groupInput = (question: string) =>
  ({
    kind: { ...group, noun: 'group', sole: async () => undefined },
    positional: 'GROUP',
    flag: false,
    required: true,
    help: 'Name or id of the group.',
    question,
  }) as const;

/** Lines began with a blank and the id then (outputs.md, `iam groups list`). */
export const groupsView = defineView<IamGroup>({
  ...groupView,
  tree: (groups) =>
    nest(groups, (one) => `${one.id} ${groupLabel(one)}`).map(({ label, children }) => ({
      label: ` ${label}`,
      children,
    })),
});
