import { defineGroup } from '../../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'identity-providers', 'scim', 'token'],
  summary: 'Manage the token of a SCIM connector.',
  aliases: ['tokens'],
});
