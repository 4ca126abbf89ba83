import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'identities'],
  summary: 'Manage identities that people and workloads can assume.',
  aliases: ['identity', 'ids', 'id'],
});
