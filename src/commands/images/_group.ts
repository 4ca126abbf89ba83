import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['images'],
  summary: 'Look into images, their repositories and tags.',
  aliases: ['image', 'img'],
});
