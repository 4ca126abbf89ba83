import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['images', 'tags'],
  summary: 'Look up image tags.',
  aliases: ['tag'],
});
