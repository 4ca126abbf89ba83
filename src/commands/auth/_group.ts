import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['auth'],
  summary: 'Sign in, and let other tools use your login.',
});
