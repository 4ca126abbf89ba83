import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'access'],
  summary: 'See who can do what where, and through what.',
});
