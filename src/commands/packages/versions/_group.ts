import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['packages', 'versions'],
  summary: 'Look at the version streams of a package.',
  aliases: ['version'],
});
