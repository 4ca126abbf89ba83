import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'identity-providers', 'group-mappings'],
  summary: 'Manage roles for groups of an identity provider.',
  description:
    'A mapping gives a role to everyone whom the identity provider lists as a member of a group. It applies at each sign-in: sessions with such roles last an hour, and no role binding shows them.',
  aliases: ['group-mapping'],
});
