import { defineCommand } from '../../../cli/define.ts';
import { unsetAssociation } from '../account-associations/associations.ts';
import { amazonAccount, ignoredTexts, requireAccount } from './cloud-inputs.ts';
import { groupInput } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'remove-aws'],
  summary: 'Remove the AWS account of a group, without a question.',
  inputs: {
    group: groupInput('Which group would you like to remove the account from?'),
    account: { ...amazonAccount, help: 'Only if this is the account.' },
    ...ignoredTexts,
  },
  examples: [{ text: 'Pick the group', args: '' }],
  hidden: true,
  deprecated: 'use `chainctl iam account-associations unset aws`',
  run: async (context, { group, account }) => {
    await requireAccount(context, group, 'amazon', { account });
    await unsetAssociation(context, group, 'amazon');
  },
});
