import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['iam'],
  summary: 'Manage organizations, identities and what they may do.',
});
