import { printable } from '../../../cli/io.ts';
import { defineDelete } from '../../../cli/noun-commands.ts';
import { identityProvider } from './identity-provider.ts';
import { lookUp, titled } from './look-up.ts';
import { providerView, shown } from './view.ts';

export default defineDelete({
  path: ['iam', 'identity-providers', 'delete'],
  summary: 'Delete an identity provider.',
  description:
    'No one can sign in there any more, and its group mappings and its SCIM token are deleted with it. Accounts of its users stay.',
  aliases: ['rm', 'remove'],
  noun: {
    kind: identityProvider,
    positional: 'IDENTITY_PROVIDER',
    help: 'Name or id of the identity provider.',
    called: 'identity provider',
  },
  examples: [
    { text: 'By name', args: 'my-idp' },
    { text: 'By id, without a question', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07 --yes' },
  ],
  view: providerView,
  formats: ['none', 'id'],
  describeConsequence: async (context, reference) =>
    `This deletes the identity provider ${titled(await lookUp(context, reference))} and its group mappings.`,
  run: async (context, { id, name, provider = { id, name } }) => {
    await (await context.api()).call('iam.v1.IdentityProviders.Delete', { id });
    context.io.note(printable(`Deleted the identity provider "${name}".`));
    return shown(context, provider);
  },
});
