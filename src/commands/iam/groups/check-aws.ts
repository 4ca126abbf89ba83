import { defineCommand } from '../../../cli/define.ts';
import { checkCommand } from '../account-associations/definitions.ts';

export default defineCommand({
  ...checkCommand('aws', 'amazon', 'The exchange of tokens with the cloud is tried for real.'),
  path: ['iam', 'groups', 'check-aws'],
  hidden: true,
  deprecated: 'use `chainctl iam account-associations check aws`',
});
