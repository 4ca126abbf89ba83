import { defineCommand } from '../../../cli/define.ts';
import { setAssociation } from '../account-associations/associations.ts';
import { setQuestion } from '../account-associations/definitions.ts';
import { associationsView } from '../account-associations/view.ts';
import { amazonAccount, recordTexts } from './cloud-inputs.ts';
import { groupInput } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'set-aws'],
  summary: 'Associate an AWS account with a group.',
  inputs: {
    group: groupInput(setQuestion),
    account: { ...amazonAccount, required: true, question: 'What is the id of the AWS account?' },
    ...recordTexts,
  },
  examples: [{ text: 'By name', args: 'example.com --account=123456789012' }],
  view: associationsView,
  formats: ['table', 'json', 'id'],
  hidden: true,
  deprecated: 'use `chainctl iam account-associations set aws`',
  run: (context, { group, account, name, description }) =>
    setAssociation(context, group, { amazon: { account }, name, description }),
});
