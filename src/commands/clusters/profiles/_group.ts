import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['clusters', 'profiles'],
  summary: 'See what an agent can do in a cluster.',
  aliases: ['profile'],
});
