import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import { isRoot } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { groupDirectory, placeAndEnd, type Reference, sharedIn } from '../../../cli/inputs/references.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import { role, visibleRoles } from './role.ts';

/** One role by name or id; only those that can be changed are offered. */
export const customRole: Kind<Reference> = {
  metavar: 'ROLE',
  noun: 'role',
  parse: role.parse,
  ...(role.resolve === undefined ? {} : { resolve: role.resolve }),
  nothing: 'create one with `chainctl iam roles create`; those that are built in do not change',
  candidates: async (context) => {
    const roles = (await visibleRoles(context)).filter((one) => !isRoot(one.id ?? ''));
    const isShared = sharedIn(roles);
    const directory = await groupDirectory(context);
    return roles.map((one) => {
      const { id = '', name = '' } = one;
      const description = isShared(one) || !one.description ? placeAndEnd(id, directory) : one.description;
      return { value: { id, name }, label: name, description, text: id };
    });
  },
};

/** The role a reference means, once a run. Throws kind `permission` for one that is built in. */
export const lookUpCustomRole = remembered(
  async (context: Context, { id, name }: Reference): Promise<IamRole> => {
    if (id === name) return fetchCustomRole(context, { id, name });
    return customOnly(
      (await visibleRoles(context)).find((one) => one.id === id),
      name,
    );
  },
  ({ id }) => id,
);

/** As it is now. An update starts from here: while its question stood, somebody may have changed what it leaves alone. */
export async function fetchCustomRole(context: Context, { id, name }: Reference): Promise<IamRole> {
  // The API has no get: a list by id that comes back empty means it is not there for this caller.
  return customOnly((await (await context.api()).call('iam.v1.Roles.List', { id })).items?.[0], name);
}

function customOnly(found: IamRole | undefined, name: string): IamRole {
  if (found === undefined) {
    throw new CliError('not-found', `No role found for "${name}"`, { code: 'not-found.role' });
  }
  if (isRoot(found.id ?? '')) {
    throw new CliError('permission', `Role "${found.name}" is built in and cannot be changed`, {
      code: 'role.built-in',
    });
  }
  return found;
}
