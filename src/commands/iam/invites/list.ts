import type { IamStoredGroupInvite } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { ordered } from '../../../cli/output/ordered.ts';
import { placeThenEnd } from './invites.ts';
import { inviteView, type ShownInvite, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'invites', 'list'],
  summary: 'List the invites that have not been used up.',
  description: 'Codes are not listed: they are shown once, when the invite is created.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      help: 'Only invites to this organization or folder and to the folders below it.',
    },
  },
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'Of one organization', args: '--parent=example.com' },
  ],
  view: inviteView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: async (context, { parent }) => {
    const filter = parent === undefined ? {} : { group: parent.id };
    const invites = (await context.api()).list('iam.v1.GroupInvites.List', filter);
    return ordered(all(context, invites), ({ invite }) => placeThenEnd(invite));
  },
});

async function* all(context: Context, invites: AsyncIterable<IamStoredGroupInvite>): AsyncGenerator<ShownInvite> {
  for await (const invite of invites) yield shown(context, invite);
}
