import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['local', 'snapshot'],
  summary: 'Keep what the platform holds, and go back to it.',
});
