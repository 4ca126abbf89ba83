import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'invites'],
  summary: 'Invite people to organizations and folders.',
  aliases: ['invite'],
});
