import type { IamGroup } from '../../../api/schema/types.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { CliError } from '../../../errors.ts';

/** One group by id. The API has no get: a list by id that comes back empty means it is not there for this caller. */
export async function describeGroup(context: Context, id: string): Promise<IamGroup> {
  const answer = await (await context.api()).call('iam.v1.Groups.List', { id });
  const group = answer.items?.[0];
  if (group === undefined) {
    throw new CliError('not-found', `No folder found for "${id}"`, { code: 'not-found.folder' });
  }
  return group;
}
