import { defineCommand } from '../../../cli/define.ts';
import { identity } from './identity.ts';
import { lookUp } from './look-up.ts';
import { identityView, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'identities', 'describe'],
  summary: 'Show one identity.',
  aliases: ['view', 'get', 'show'],
  inputs: {
    identity: {
      kind: identity,
      positional: 'IDENTITY',
      flag: false,
      required: true,
      help: 'Name or id of the identity.',
      question: 'Which identity would you like to see?',
    },
  },
  examples: [
    { text: 'By name', args: 'my-app' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: identityView,
  formats: ['json', 'table', 'id'],
  run: async (context, input) => shown(context, await lookUp(context, input.identity)),
});
