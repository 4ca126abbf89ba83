import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['config'],
  summary: 'Look at and change the configuration of chainctl.',
});
