import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['clusters'],
  summary: 'Manage Kubernetes clusters and see what runs in them.',
  aliases: ['cluster'],
});
