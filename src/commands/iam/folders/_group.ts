import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'folders'],
  summary: 'Manage the folders of an organization.',
  aliases: ['folder'],
});
