import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'roles', 'capabilities'],
  summary: 'Look at what roles can allow.',
  aliases: ['capability'],
});
