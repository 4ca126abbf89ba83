import { defineDescribe } from '../../../cli/noun-commands.ts';
import { authority } from '../authority.ts';
import { authorityView } from './view.ts';

export default defineDescribe({
  path: ['sigstore', 'ca', 'describe'],
  summary: 'Show a certificate authority.',
  description: 'Its hostname, with http:// or https:// before it, is what a policy has as `keyless.url`.',
  noun: {
    kind: authority,
    positional: 'SIGSTORE',
    help: 'Name or id of the certificate authority.',
    called: 'certificate authority',
  },
  examples: [{ text: 'By name', args: 'signing' }],
  view: authorityView,
  formats: ['table', 'json', 'id'],
  run: async (_context, one) => one,
});
