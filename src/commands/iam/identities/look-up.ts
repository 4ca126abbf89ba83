import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import type { IdentityReference } from './identity.ts';

/** The identity a reference means. A name was looked up in a list that holds it; only an id needs a call of its own. */
export const lookUp = remembered(
  async (context: Context, { id, identity }: IdentityReference): Promise<IamIdentity> =>
    identity ?? fetchIdentity(context, id),
  ({ id }) => id,
);

/** As it is now. An update starts from here: while its question stood, somebody may have changed what it leaves alone. */
export async function fetchIdentity(context: Context, id: string): Promise<IamIdentity> {
  // The API has no get: a list by id that comes back empty means it is not there for this caller.
  const [found] = (await (await context.api()).call('iam.v1.Identities.List', { id })).items ?? [];
  if (found === undefined) {
    throw new CliError('not-found', `No identity found for "${id}"`, { code: 'not-found.identity' });
  }
  return found;
}
