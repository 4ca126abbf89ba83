import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['local'],
  summary: 'Run a complete platform on this machine, without account or network.',
});
