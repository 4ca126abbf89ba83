import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['clusters', 'records'],
  summary: 'See the images of a cluster and which policies they break.',
  aliases: ['record'],
});
