import { defineCommand } from '../../../../cli/define.ts';
import { idpInput } from './idp.ts';
import { setScimEnabled } from './switch.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'scim', 'enable'],
  summary: 'Let the SCIM connector of an identity provider in.',
  description:
    'Needs a token first, and two owners bound to the organization itself, so that no connector can lock everybody out.',
  inputs: { idp: idpInput },
  examples: [
    { text: 'By name', args: 'my-idp' },
    { text: 'Pick the identity provider', args: '' },
  ],
  run: (context, { idp }) => setScimEnabled(context, idp, true),
});
