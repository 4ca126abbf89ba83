import { defineCommand } from '../../../../../cli/define.ts';
import { printable } from '../../../../../cli/io.ts';
import { lookUp, titled } from '../../look-up.ts';
import { idpInput } from '../idp.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'scim', 'token', 'revoke'],
  summary: 'End the token of a SCIM connector now.',
  description: 'The previous token ends as well, if it was still good. `scim token regenerate` makes another.',
  inputs: { idp: idpInput },
  examples: [
    { text: 'By name', args: 'my-idp' },
    { text: 'Without a question', args: 'my-idp --yes' },
  ],
  confirm: async ({ idp }, context) => {
    const provider = await lookUp(context, idp);
    const message = `This ends the SCIM token of the identity provider ${titled(provider)}. Do you want to continue?`;
    return { message: printable(message), default: false };
  },
  run: async (context, { idp }) => {
    await (await context.api()).call('iam.v1.IdentityProviders.RevokeScimToken', { identityProviderId: idp.id });
    context.io.note(printable(`Revoked the SCIM token of "${idp.name}".`));
  },
});
