import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import { defineView } from '../../../cli/define.ts';
import { group, type Reference } from '../../../cli/inputs/references.ts';
import type { Noun } from '../../../cli/noun-commands.ts';
import { groupLabel, groupView, nest } from '../organizations/view.ts';

/** An organization or folder. Which one is meant is not guessed, because it may be to delete it. */
export const groupNoun: Noun<Reference> = {
  kind: { ...group, noun: 'group', onlyCandidate: async () => undefined },
  positional: 'GROUP',
  help: 'Name or id of the group.',
  called: 'group',
};

export const groupInput = (question: string) =>
  ({
    kind: groupNoun.kind,
    positional: groupNoun.positional,
    flag: false,
    required: true,
    help: groupNoun.help,
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
