import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import { isRoot } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { groupDirectory, type Reference } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';

/** The group a reference means. A name was looked up in a list that holds it; only an id needs a call of its own. */
export async function describeGroup(context: Context, { id, name }: Reference): Promise<IamGroup> {
  if (id === name) return fetchGroup(context, { id, name });
  return known((await groupDirectory(context)).byId.get(id), name);
}

/** As it is now. An update starts from here: while its questions stood, somebody may have changed what it leaves alone. */
export async function fetchGroup(context: Context, { id, name }: Reference): Promise<IamGroup> {
  // The API has no get: a list by id that comes back empty means it is not there for this caller.
  return known((await (await context.api()).call('iam.v1.Groups.List', { id })).items?.[0], name);
}

function known(group: IamGroup | undefined, name: string): IamGroup {
  if (group !== undefined) return group;
  // Scripts look for the words; whoever typed the id of an organization looks for organizations.
  const hint = isRoot(name) ? { hint: 'see `chainctl iam organizations list`' } : {};
  throw new CliError('not-found', `No folder found for "${name}"`, { code: 'not-found.folder', ...hint });
}
