import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'account-associations', 'unset'],
  summary: 'Remove a cloud account from a location.',
});
