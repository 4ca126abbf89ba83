import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['events'],
  summary: 'Be told of what happens.',
  aliases: ['event'],
});
