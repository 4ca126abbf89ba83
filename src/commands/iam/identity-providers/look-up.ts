import type { IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import type { IdentityProviderReference } from './identity-provider.ts';

/** The provider a reference means. A name was looked up in a list that holds it; only an id needs a call of its own. */
export const lookUp = remembered(
  async (context: Context, { id, provider }: IdentityProviderReference): Promise<IamIdentityProvider> =>
    provider ?? fetchProvider(context, id),
  ({ id }) => id,
);

/** As it is now. An update starts from here: while its question stood, somebody may have changed what it leaves alone. */
export async function fetchProvider(context: Context, id: string): Promise<IamIdentityProvider> {
  // The API has no get: a list by id that comes back empty means it is not there for this caller.
  const [found] = (await (await context.api()).call('iam.v1.IdentityProviders.List', { id })).items ?? [];
  if (found === undefined) {
    throw new CliError('not-found', `No identity provider found for "${id}"`, {
      code: 'not-found.identity-provider',
    });
  }
  return found;
}

/** `"name" (id)`, for questions. */
export const titled = ({ id = '', name = '' }: IamIdentityProvider): string => `"${name}" (${id})`;
