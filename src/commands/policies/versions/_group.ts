import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['policies', 'versions'],
  summary: 'Look at the versions of a policy, and go back to one.',
  aliases: ['version'],
});
