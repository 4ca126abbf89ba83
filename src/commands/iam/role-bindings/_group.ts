import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'role-bindings'],
  summary: 'Manage who holds which role where.',
  aliases: ['role-binding', 'rolebindings', 'rolebinding'],
});
