import type { IamGroup } from '../../../api/schema/types.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { groupDirectory, type Reference } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';

/** The group a reference means. A name was looked up in a list that holds it; only an id needs a call of its own. */
export async function describeGroup(context: Context, { id, name }: Reference): Promise<IamGroup> {
  // The API has no get: a list by id that comes back empty means it is not there for this caller.
  const group =
    id === name
      ? (await (await context.api()).call('iam.v1.Groups.List', { id })).items?.[0]
      : (await groupDirectory(context)).byId.get(id);
  if (group === undefined) {
    throw new CliError('not-found', `No folder found for "${name}"`, { code: 'not-found.folder' });
  }
  return group;
}
