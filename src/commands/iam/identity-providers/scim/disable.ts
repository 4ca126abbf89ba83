import { defineCommand } from '../../../../cli/define.ts';
import { printable } from '../../../../cli/io.ts';
import { lookUp, titled } from '../look-up.ts';
import { idpInput } from './idp.ts';
import { setScimEnabled } from './switch.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'scim', 'disable'],
  summary: 'Disable SCIM provisioning for an identity provider.',
  description: 'The token stays; enabling lets the connector in again.',
  inputs: { idp: idpInput },
  examples: [
    { text: 'By name', args: 'my-idp' },
    { text: 'Without a question', args: 'my-idp --yes' },
  ],
  confirm: async ({ idp }, context) => {
    const provider = await lookUp(context, idp);
    const message = `This stops provisioning by the identity provider ${titled(provider)}. Do you want to continue?`;
    return { message: printable(message), default: false };
  },
  run: (context, { idp }) => setScimEnabled(context, idp, false),
});
