import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'organizations'],
  summary: 'Manage the organizations you belong to.',
  aliases: ['organization', 'orgs', 'org'],
});
