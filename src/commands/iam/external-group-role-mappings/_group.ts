import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'external-group-role-mappings'],
  summary: 'Manage roles for groups of identity providers.',
  description:
    'A mapping gives a role to everybody whom the identity provider names as a member of a group. It counts from sign-in to sign-in: sessions with such roles last an hour, and no role binding shows them.',
  aliases: ['external-group-role-mapping'],
});
