import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'roles'],
  summary: 'Manage the roles that can be bound.',
  aliases: ['role'],
});
