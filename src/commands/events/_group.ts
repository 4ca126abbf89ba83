import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['events'],
  summary: 'Subscribe to what happens on the platform.',
  aliases: ['event'],
});
