import { defineDescribe } from '../../../cli/noun-commands.ts';
import { lookUp } from '../../iam/identities/look-up.ts';
import { pullTokenListView, pullTokenNoun } from '../../iam/identities/pull-token.ts';
import { shown } from '../../iam/identities/view.ts';

export default defineDescribe({
  path: ['auth', 'pull-token', 'describe'],
  summary: 'Show one pull token.',
  description: 'Shows who may pull, since when and until when. The password is kept nowhere and cannot be shown again.',
  aliases: ['view', 'show', 'get'],
  noun: pullTokenNoun,
  examples: [
    { text: 'By name', args: '"pull-token - registry"' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: pullTokenListView,
  formats: ['json', 'table', 'id', 'wide'],
  run: async (context, token) => shown(context, await lookUp(context, token)),
});
