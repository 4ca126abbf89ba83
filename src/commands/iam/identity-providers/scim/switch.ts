import type { Context } from '../../../../cli/context.ts';
import { printable } from '../../../../cli/io.ts';
import { CliError } from '../../../../errors.ts';
import type { IdentityProviderReference } from '../identity-provider.ts';
import { lookUp } from '../look-up.ts';

/** Lets the connector in or shuts it out. The etag makes sure nobody changed the token since it was read. */
export async function setScimEnabled(
  context: Context,
  idp: IdentityProviderReference,
  enabled: boolean,
): Promise<void> {
  const { id = '', name, scim } = await lookUp(context, idp);
  if (!scim?.etag) {
    throw new CliError('not-found', printable(`The identity provider "${name}" has no SCIM token`), {
      code: 'not-found.scim-token',
      hint: `make one with \`chainctl iam identity-providers scim token generate ${id}\``,
    });
  }
  await (await context.api()).call('iam.v1.IdentityProviders.SetScimEnabled', {
    identityProviderId: id,
    enabled,
    etag: scim.etag,
  });
  context.io.note(printable(`SCIM is ${enabled ? 'enabled' : 'disabled'} for "${name}".`));
  if (enabled && scim.endpointUrl) context.io.note(printable(`SCIM base URL: ${scim.endpointUrl}`));
}
