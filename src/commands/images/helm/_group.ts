import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['images', 'helm'],
  summary: 'Work with Helm charts and the images they name.',
});
