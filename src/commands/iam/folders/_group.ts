import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'folders'],
  summary: 'Manage the folders of an organization.',
  description: 'To create a folder: `chainctl iam groups create NAME --parent=LOCATION`.',
  aliases: ['folder'],
});
