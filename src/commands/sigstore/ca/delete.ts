import { printable } from '../../../cli/io.ts';
import { defineDelete } from '../../../cli/noun-commands.ts';
import { authority } from '../authority.ts';
import { authorityView } from './view.ts';

export default defineDelete({
  path: ['sigstore', 'ca', 'delete'],
  summary: 'Delete a certificate authority.',
  description:
    'Its keys go with it: no one can sign with it any more. What was signed stays valid for anyone who has kept its certificates.',
  noun: {
    // The only one there is may not be the one that is meant to go.
    kind: { ...authority, onlyCandidate: async () => undefined },
    positional: 'SIGSTORE',
    help: 'Name or id of the certificate authority.',
    called: 'certificate authority',
  },
  examples: [
    { text: 'By name', args: 'signing' },
    { text: 'Without a question', args: 'signing --yes' },
  ],
  view: authorityView,
  formats: ['none', 'id'],
  describeConsequence: async (_context, { name }) => `This deletes the certificate authority "${name}" and its keys.`,
  run: async (context, { id = '', name = '' }) => {
    await (await context.api()).call('iam.v1.SigstoreService.Delete', { id });
    context.io.note(printable(`Deleted the certificate authority "${name}".`));
    return { id, name };
  },
});
