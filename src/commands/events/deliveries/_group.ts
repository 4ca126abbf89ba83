import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['events', 'deliveries'],
  summary: 'See what became of events.',
  aliases: ['delivery'],
});
