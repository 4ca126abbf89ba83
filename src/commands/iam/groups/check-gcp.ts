import { defineCommand } from '../../../cli/define.ts';
import { checkCommand } from '../account-associations/definitions.ts';

export default defineCommand({
  ...checkCommand('gcp', 'google', 'The exchange of tokens with the cloud is tried for real.'),
  path: ['iam', 'groups', 'check-gcp'],
  hidden: true,
  deprecated: 'use `chainctl iam account-associations check gcp`',
});
