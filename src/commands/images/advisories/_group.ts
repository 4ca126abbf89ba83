import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['images', 'advisories'],
  summary: 'See security advisories about images.',
  aliases: ['advisory'],
});
