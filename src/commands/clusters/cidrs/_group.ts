import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['clusters', 'cidrs'],
  summary: 'See the addresses that the platform calls from.',
  aliases: ['cidr'],
});
