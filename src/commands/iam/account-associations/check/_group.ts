import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'account-associations', 'check'],
  summary: 'Check that the platform can reach a cloud account.',
});
