import { defineCommand } from '../../../../cli/define.ts';
import { setAssociation } from '../associations.ts';
import { confirmSet, locationInput, matching, setQuestion, setTexts } from '../definitions.ts';
import { associationsView } from '../view.ts';

export default defineCommand({
  path: ['iam', 'account-associations', 'set', 'aws'],
  summary: 'Associate an AWS account with a location.',
  description: 'Takes the place of the AWS account that is associated now. Accounts of other clouds stay.',
  inputs: {
    location: locationInput(setQuestion),
    account: {
      kind: matching('ACCOUNT', /^[0-9]{12}$/, 'must be the 12 digits of an AWS account'),
      required: true,
      help: 'Id of the AWS account, 12 digits.',
      question: 'What is the id of the AWS account?',
    },
    ...setTexts,
  },
  examples: [
    { text: 'Without a question', args: 'example.com --account=123456789012 --yes' },
    { text: 'Pick the location and type the account', args: '' },
  ],
  view: associationsView,
  formats: ['table', 'json', 'id'],
  confirm: ({ location, account }, context) => confirmSet(context, location, 'amazon', `account "${account}"`),
  run: (context, { location, account, name, description }) =>
    setAssociation(context, location, { amazon: { account }, name, description }),
});
