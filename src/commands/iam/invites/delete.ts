import type { Context } from '../../../cli/context.ts';
import { defineCommand, exclusive } from '../../../cli/define.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { endOf, type InviteReference, inviteKind, visibleInvites } from './invites.ts';

export default defineCommand({
  path: ['iam', 'invites', 'delete'],
  summary: 'Delete invites.',
  description: 'Their codes are worth nothing from then on. Who has joined already stays.',
  aliases: ['rm'],
  inputs: {
    invites: {
      kind: inviteKind,
      positional: 'INVITE_ID',
      flag: false,
      many: true,
      requiredUnless: 'expired',
      help: 'Ids of the invites.',
      question: 'Which invites would you like to delete?',
    },
    expired: { kind: boolean, help: 'Delete every expired invite that you may see.' },
  },
  check: [exclusive('invites', 'expired')],
  examples: [
    { text: 'By its id', args: '9b6da6e64b45129eb4e9f9f3ce9b69ca2a550c6b/034e4afcda8c0b07' },
    { text: 'Everything that has expired, without a question', args: '--expired --yes' },
    { text: 'Pick them from a list', args: '' },
  ],
  confirm: async ({ invites, expired }, context) => {
    const ids = await wanted(context, invites, expired);
    if (ids.length === 0) return undefined;
    const lines = [`This deletes ${count(ids.length)}:`, ...ids.slice(0, shownIds).map((id) => `  ${id}`)];
    if (ids.length > shownIds) lines.push(`  and ${ids.length - shownIds} more`);
    return { message: [...lines, 'Do you want to continue?'].map(printable).join('\n'), default: false };
  },
  run: async (context, { invites, expired }) => {
    const ids = await wanted(context, invites, expired);
    const api = await context.api();
    for (const id of ids) {
      try {
        await api.call('iam.v1.GroupInvites.Delete', { id });
      } catch (error) {
        // Of expired ones somebody else may have been faster, which is as good.
        if (!expired || !(error instanceof CliError) || error.kind !== 'not-found') throw error;
      }
    }
    context.io.note(ids.length === 0 ? 'No invite has expired.' : `Deleted ${count(ids.length)}.`);
  },
});

const shownIds = 20;
const count = (amount: number) => `${amount} ${amount === 1 ? 'invite' : 'invites'}`;

/** Looked up once, so that what is deleted is what was agreed to. */
async function wanted(
  context: Context,
  invites: readonly InviteReference[],
  expired: boolean,
): Promise<readonly string[]> {
  if (!expired) return [...new Set(invites.map(({ id }) => id))];
  const now = context.host.now();
  const all = await visibleInvites(context);
  return all.filter((invite) => endOf(invite) <= now).map(({ id }) => id ?? '');
}
