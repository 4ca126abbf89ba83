import type { IamStoredGroupInvite } from '../../../api/schema/types.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Kind } from '../../../cli/define.ts';
import { groupDirectory } from '../../../cli/inputs/references.ts';

/** Invites of a place and below it, or all that the caller sees; by place and end, once a run. */
export function visibleInvites(context: Context, group?: string): Promise<readonly IamStoredGroupInvite[]> {
  return context.cached(`invites:${group ?? ''}`, async () => {
    const filter = group === undefined ? {} : { group };
    const answer = await (await context.api()).call('iam.v1.GroupInvites.List', filter);
    return [...(answer.items ?? [])].sort(byPlaceThenEnd);
  });
}

function byPlaceThenEnd(a: IamStoredGroupInvite, b: IamStoredGroupInvite): number {
  const key = ({ id = '', expiration = '' }: IamStoredGroupInvite) => `${parentOf(id)} ${expiration} ${id}`;
  return key(a) < key(b) ? -1 : 1;
}

/** Milliseconds since the epoch. */
export const endOf = ({ expiration }: IamStoredGroupInvite): number => Date.parse(expiration ?? '');

export interface InviteReference {
  readonly id: string;
}

/** An invite by its id: it has no name. */
export const inviteKind: Kind<InviteReference> = {
  metavar: 'INVITE_ID',
  noun: 'invite',
  parse: (text) => {
    if (!/^[0-9a-f]{40}(\/[0-9a-f]{16})+$/.test(text)) throw new Error('must be the id of an invite');
    return text;
  },
  resolve: async (_context, id) => ({ id }),
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
