import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['policies'],
  summary: 'Manage policies about the images that clusters run.',
  description:
    'A policy is a ClusterImagePolicy: it says which images need whose signatures. It counts in the clusters of its organization or folder and of everything below it.',
  aliases: ['policy'],
});
