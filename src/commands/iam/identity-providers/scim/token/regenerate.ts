import { defineCommand, exclusive } from '../../../../../cli/define.ts';
import { lookUp } from '../../look-up.ts';
import { idpInput } from '../idp.ts';
import { expiryOf, lifeInputs, newTokenView, overlapInput, tell } from './token.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'scim', 'token', 'regenerate'],
  summary: 'Make the next token of a SCIM connector.',
  description: 'Prints the token, once. The previous one stays good for a while, so that the connector can be changed.',
  inputs: { idp: idpInput, ...lifeInputs, overlap: overlapInput },
  check: [exclusive('expiresIn', 'neverExpires')],
  examples: [
    { text: 'Both are good for an hour', args: 'my-idp --overlap=1h' },
    { text: 'The previous one ends now', args: 'my-idp --overlap=0 --expires-in=8760h' },
  ],
  view: newTokenView,
  formats: ['text', 'json'],
  run: async (context, { idp, overlap, ...life }) => {
    const { id = '', scim } = await lookUp(context, idp);
    return tell(
      context,
      await (await context.api()).call('iam.v1.IdentityProviders.RegenerateScimToken', {
        identityProviderId: id,
        etag: scim?.etag ?? '',
        ...(overlap === undefined ? {} : { overlap: `${overlap / 1000}s` }),
        ...expiryOf(context, life),
      }),
    );
  },
});
