import type { IamStoredGroupInvite } from '../../../api/schema/types/iam.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { parseBelow, wholeId } from '../../../cli/inputs/ids.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { groupDirectory } from '../../../cli/inputs/references.ts';
import { remembered } from '../../../cli/remembered.ts';

/** All that the caller sees; by place and end, once a run. */
export const visibleInvites = remembered(async (context: Context): Promise<readonly IamStoredGroupInvite[]> => {
  const answer = await (await context.api()).call('iam.v1.GroupInvites.List', {});
  return [...(answer.items ?? [])].sort((a, b) => (placeThenEnd(a) < placeThenEnd(b) ? -1 : 1));
});

export const placeThenEnd = ({ id = '', expiration = '' }: IamStoredGroupInvite): string =>
  `${parentOf(id)} ${expiration} ${id}`;

/** Milliseconds since the epoch. */
export const endOf = ({ expiration }: IamStoredGroupInvite): number => Date.parse(expiration ?? '');

export interface InviteReference {
  readonly id: string;
}

/** An invite by its id: it has no name. */
export const inviteKind: Kind<InviteReference> = {
  metavar: 'INVITE_ID',
  noun: 'invite',
  parse: parseBelow('an invite'),
  resolve: async (context, text) => ({ id: await wholeId(text, 'invite', () => visibleInvites(context)) }),
  async candidates(context) {
    const { byId } = await groupDirectory(context);
    return (await visibleInvites(context)).map((invite) => {
      const id = invite.id ?? '';
      const place = byId.get(parentOf(id))?.name ?? parentOf(id);
      const expired = endOf(invite) <= context.host.now() ? ', expired' : '';
      return {
        value: { id },
        label: `${place}: ${invite.role?.name ?? 'no role'}${invite.email ? ` for ${invite.email}` : ''}`,
        description: `until ${invite.expiration}${expired}`,
        text: id,
      };
    });
  },
};
