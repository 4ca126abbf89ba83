import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['events', 'deliveries'],
  summary: 'Inspect event deliveries.',
  aliases: ['delivery'],
});
