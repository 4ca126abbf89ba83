import { printable } from '../../../cli/io.ts';
import { defineDelete } from '../../../cli/noun-commands.ts';
import { lookUp } from '../../iam/identities/look-up.ts';
import { pullTokenNoun } from '../../iam/identities/pull-token.ts';

export default defineDelete({
  path: ['auth', 'pull-token', 'delete'],
  summary: 'Revoke a pull token.',
  description: 'Nothing can be pulled with it from then on. Its identity goes, and the roles of that with it.',
  aliases: ['rm', 'remove', 'revoke'],
  verb: 'revoke',
  noun: pullTokenNoun,
  examples: [
    { text: 'By name', args: '"pull-token - registry"' },
    { text: 'For a script, by id', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07 --yes' },
  ],
  describeConsequence: async (context, token) => {
    const { id = '', name = '' } = await lookUp(context, token);
    return `This revokes the pull token "${name}" (${id}).`;
  },
  run: async (context, token) => {
    const { id = '', name = '' } = await lookUp(context, token);
    await (await context.api()).call('iam.v1.Identities.Delete', { id });
    context.io.note(printable(`Revoked the pull token "${name}".`));
  },
});
