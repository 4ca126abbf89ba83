import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'organizations'],
  summary: 'Manage the organizations you belong to.',
  description: 'To create an organization: `chainctl iam groups create NAME --no-parent`.',
  aliases: ['organization', 'orgs', 'org'],
});
