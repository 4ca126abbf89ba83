import { compact } from '../../../api/compact.ts';
import type { IamGroupInvite, IamRole, IamStoredGroupInvite } from '../../../api/schema/types/iam.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import { groupDirectory } from '../../../cli/inputs/references.ts';
import { endState, sinceCell } from '../../../cli/output/age.ts';
import { shellWord } from '../../../shell-word.ts';

/** `2026-01-02T03:04:05.000Z` wherever it is shown (outputs.md, `iam invites list`). */
const endCell = ({ expiration }: { readonly expiration?: string }) => {
  const at = Date.parse(expiration ?? '');
  return Number.isNaN(at) ? expiration : new Date(at).toISOString();
};

const roleCell = (role: IamRole | undefined) =>
  role === undefined ? '' : `[${role.name}]${role.description ? ` ${role.description}` : ''}`;

export interface ShownInvite {
  readonly invite: IamStoredGroupInvite;
  /** Name of the organization or folder it leads to; looked up when it is shown. */
  readonly location: () => Promise<string>;
}

export const shown = (context: Context, invite: IamStoredGroupInvite): ShownInvite => ({
  invite,
  location: async () => {
    const id = parentOf(invite.id ?? '');
    return (await groupDirectory(context)).byId.get(id)?.name || id;
  },
});

export const inviteView = defineView<ShownInvite>({
  id: ({ invite }) => invite.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ invite }) => invite.id },
    {
      head: 'EXPIRATION',
      value: ({ invite }, cell) => (cell.times === 'utc' ? endCell(invite) : sinceCell(invite.expiration, cell)),
      state: ({ invite }, cell) => endState(Date.parse(invite.expiration ?? ''), cell),
    },
    { head: 'KEYID', rank: 4, value: ({ invite }) => invite.keyId },
    { head: 'ROLE', value: ({ invite }) => roleCell(invite.role), brief: ({ invite }) => invite.role?.name },
    { head: 'LOCATION', rank: 1, value: ({ location }) => location() },
    { head: 'EMAIL', rank: 2, value: ({ invite }) => invite.email },
    { head: 'SINGLE USE', value: ({ invite }) => (invite.singleUse === true ? 'yes' : 'no'), wide: true },
    { head: 'CREATED', value: ({ invite }, cell) => sinceCell(invite.createdAt, cell), wide: true },
  ],
  json: ({ invite }) => compact(invite),
  envelope: 'items',
  empty: 'There are no invites.',
});

/** A new invite is the only one whose code is known: the platform does not tell it again. */
export const newInviteView = defineView<IamGroupInvite>({
  id: ({ id }) => id ?? '',
  text: ({ code, role, ...invite }) =>
    [
      `Invite code: ${code}`,
      `Expires:     ${endCell(invite)}`,
      `Role:        ${roleCell(role)}`,
      '',
      'The invited person accepts with:',
      '',
      `    chainctl auth login --invite-code ${shellWord(code ?? '')}`,
      '',
    ].join('\n'),
  columns: [
    { head: 'ID', value: ({ id }) => id },
    { head: 'EXPIRATION', value: endCell },
    { head: 'KEYID', value: ({ keyId }) => keyId },
    { head: 'ROLE', value: ({ role }) => roleCell(role) },
    { head: 'CODE', value: ({ code }) => code },
  ],
  json: compact,
});
