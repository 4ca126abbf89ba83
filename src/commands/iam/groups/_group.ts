import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'groups'],
  summary: 'Manage organizations and folders, as they were called before.',
  aliases: ['group'],
  hidden: true,
});
