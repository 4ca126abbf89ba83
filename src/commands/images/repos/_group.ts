import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['images', 'repos'],
  summary: 'Manage image repositories.',
  aliases: ['repo', 'repository', 'repositories'],
});
