import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['events', 'audit'],
  summary: 'See what has happened, who did it and by which right.',
});
