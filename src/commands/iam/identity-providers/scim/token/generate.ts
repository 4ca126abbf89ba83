import { defineCommand, exclusive } from '../../../../../cli/define.ts';
import { idpInput } from '../idp.ts';
import { expiryOf, lifeInputs, newTokenView, tell } from './token.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'scim', 'token', 'generate'],
  summary: 'Make the first token of a SCIM connector.',
  description: 'Prints the token, once. Where there is one already, `scim token regenerate` makes the next.',
  inputs: { idp: idpInput, ...lifeInputs },
  check: [exclusive('expiresIn', 'neverExpires')],
  examples: [
    { text: 'For a year', args: 'my-idp --expires-in=8760h' },
    { text: 'For a script', args: 'my-idp --output=json' },
  ],
  view: newTokenView,
  formats: ['text', 'json'],
  run: async (context, { idp, ...life }) =>
    tell(
      context,
      await (await context.api()).call('iam.v1.IdentityProviders.GenerateScimToken', {
        identityProviderId: idp.id,
        ...expiryOf(context, life),
      }),
    ),
});
