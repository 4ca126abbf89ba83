import { compact } from '../../../api/compact.ts';
import type { IamGroupInvite, IamRole, IamStoredGroupInvite } from '../../../api/schema/types.gen.ts';
import { defineView } from '../../../cli/define.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import { shellWord } from '../../../cli/shell-word.ts';

/** `2026-01-02T03:04:05.000Z` wherever it is shown (outputs.md, `iam invites list`). */
const endCell = ({ expiration }: { readonly expiration?: string }) => {
  const at = Date.parse(expiration ?? '');
  return Number.isNaN(at) ? expiration : new Date(at).toISOString();
};

const roleCell = (role: IamRole | undefined) =>
  role === undefined ? '' : `[${role.name}]${role.description ? ` ${role.description}` : ''}`;

export const inviteView = defineView<IamStoredGroupInvite>({
  id: ({ id }) => id ?? '',
  columns: [
    { head: 'ID', value: ({ id }) => id },
    { head: 'EXPIRATION', value: endCell },
    { head: 'KEYID', value: ({ keyId }) => keyId },
    { head: 'ROLE', value: ({ role }) => roleCell(role) },
    { head: 'EMAIL', value: ({ email }) => email, wide: true },
    { head: 'SINGLE USE', value: ({ singleUse }) => (singleUse === true ? 'yes' : 'no'), wide: true },
    { head: 'CREATED', value: ({ createdAt }, cell) => sinceCell(createdAt, cell), wide: true },
  ],
  json: compact,
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
      'Whoever is invited accepts with:',
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
