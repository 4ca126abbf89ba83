import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['clusters', 'workloads'],
  summary: 'See the workloads of a cluster.',
  aliases: ['workload'],
});
