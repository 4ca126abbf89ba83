import { defineDescribe } from '../../../cli/noun-commands.ts';
import { identity } from './identity.ts';
import { lookUp } from './look-up.ts';
import { identityView, shown } from './view.ts';

export default defineDescribe({
  path: ['iam', 'identities', 'describe'],
  summary: 'Show one identity.',
  aliases: ['view', 'get', 'show'],
  noun: { kind: identity, positional: 'IDENTITY', help: 'Name or id of the identity.', called: 'identity' },
  examples: [
    { text: 'By name', args: 'my-app' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: identityView,
  run: async (context, reference) => shown(context, await lookUp(context, reference)),
});
