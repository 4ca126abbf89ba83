import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'account-associations', 'set'],
  summary: 'Associate a cloud account with a location.',
});
