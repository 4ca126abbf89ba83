import { defineCommand } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import { identityProvider } from './identity-provider.ts';
import { lookUp, titled } from './look-up.ts';
import { providerView, type ShownProvider, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'delete'],
  summary: 'Delete an identity provider.',
  description:
    'Nobody can sign in there any more, and its group mappings and its SCIM token go with it. Accounts of its users stay.',
  aliases: ['rm', 'remove'],
  inputs: {
    identityProvider: {
      kind: identityProvider,
      positional: 'IDENTITY_PROVIDER',
      flag: false,
      required: true,
      help: 'Name or id of the identity provider.',
      question: 'Which identity provider would you like to delete?',
    },
  },
  examples: [
    { text: 'By name', args: 'my-idp' },
    { text: 'By id, without a question', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07 --yes' },
  ],
  view: providerView,
  formats: ['none', 'id'],
  confirm: async (input, context) => {
    const provider = await lookUp(context, input.identityProvider);
    const message = `This deletes the identity provider ${titled(provider)} and its group mappings. Do you want to continue?`;
    return { message: printable(message), default: false };
  },
  run: async (context, input): Promise<ShownProvider> => {
    const { id, name, provider = { id, name } } = input.identityProvider;
    await (await context.api()).call('iam.v1.IdentityProviders.Delete', { id });
    context.io.note(printable(`Deleted the identity provider "${name}".`));
    return shown(context, provider);
  },
});
