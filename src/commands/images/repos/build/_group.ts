import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['images', 'repos', 'build'],
  summary: 'Customize images and watch them being built.',
  aliases: ['builds'],
});
