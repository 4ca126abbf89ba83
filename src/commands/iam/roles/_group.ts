import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'roles'],
  summary: 'Look at the roles that can be bound.',
  aliases: ['role'],
});
