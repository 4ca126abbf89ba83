import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import { isAncestorOrSelf, isRoot, isUidp, parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Chosen, Kind } from '../../../cli/inputs/kind.ts';
import { namedAmong, toldApart } from '../../../cli/inputs/named-things.ts';
import { byNameThenId, notEmpty, type Reference, toReference } from '../../../cli/inputs/references.ts';
import type { Candidate } from '../../../cli/prompts/question.ts';
import { remembered } from '../../../cli/remembered.ts';

/** Built-in roles and those defined at a location, above it or anywhere visible. */
export const visibleRoles = remembered(async (context: Context): Promise<readonly IamRole[]> => {
  const answer = await (await context.api()).call('iam.v1.Roles.List', {});
  return [...(answer.items ?? [])].sort(byNameThenId);
});

/** Name of a role by id; the id of one that the caller does not see. */
export async function roleName(context: Context, id: string): Promise<string> {
  return (await visibleRoles(context)).find((one) => one.id === id)?.name || id;
}

export const role: Kind<Reference> = {
  metavar: 'ROLE',
  noun: 'role',
  splitsCommas: true,
  parse: notEmpty,
  async resolve(context, text, chosen) {
    if (isUidp(text)) return { id: text, name: text };
    const roles = (await visibleRoles(context)).filter((one) => usableAt(one, chosen));
    return toReference(await namedAmong(context, text, roles, { noun: 'role', candidate: roleCandidate }));
  },
  async candidates(context, chosen) {
    const roles = (await visibleRoles(context)).filter((one) => usableAt(one, chosen));
    // Roles of different places may have one name; what is typed again must not ask again.
    return toldApart(context, roles, roleCandidate);
  },
};

/** A custom role can be bound where it was made and below; built-in ones everywhere. */
function usableAt(one: IamRole, chosen: Chosen): boolean {
  const at = (chosen['parent'] as Reference | undefined)?.id;
  const id = one.id ?? '';
  return at === undefined || isRoot(id) || isAncestorOrSelf(parentOf(id), at);
}

const roleCandidate = (one: IamRole): Candidate<Reference> => ({
  value: toReference(one),
  label: one.name ?? '',
  ...(one.description ? { description: one.description } : {}),
  text: one.name ?? '',
});

/** The same roles as `role`, of the place that another input names. */
export const roleAt = (key: string): Kind<Reference> => ({
  ...role,
  resolve: async (context, text, chosen) =>
    (await role.resolve?.(context, text, { ...chosen, parent: chosen[key] })) ?? { id: text, name: text },
  candidates: async (context, chosen) => (await role.candidates?.(context, { ...chosen, parent: chosen[key] })) ?? [],
});
