import { defineCommand } from '../../../../cli/define.ts';
import { setAssociation } from '../associations.ts';
import { confirmSet, locationInput, matching, setQuestion, setTexts } from '../definitions.ts';
import { associationsView } from '../view.ts';

export default defineCommand({
  path: ['iam', 'account-associations', 'set', 'gcp'],
  summary: 'Associate a Google Cloud project with a location.',
  description: 'Takes the place of the project that is associated now. Accounts of other clouds stay.',
  inputs: {
    location: locationInput(setQuestion),
    projectId: {
      kind: matching('PROJECT_ID', /^\S+$/, 'must be the id of a Google Cloud project'),
      required: true,
      help: 'Id of the project, e.g. "my-project".',
      question: 'What is the id of the project?',
    },
    projectNumber: {
      kind: matching('PROJECT_NUMBER', /^[0-9]{1,20}$/, 'must be the digits of a project number'),
      required: true,
      help: 'Number of the project.',
      question: 'What is the number of the project?',
    },
    ...setTexts,
  },
  examples: [
    { text: 'Without a question', args: 'example.com --project-id=my-project --project-number=123456789 --yes' },
    { text: 'Pick the location and type the rest', args: '' },
  ],
  view: associationsView,
  formats: ['table', 'json', 'id'],
  confirm: ({ location, projectId }, context) => confirmSet(context, location, 'google', `project "${projectId}"`),
  run: (context, { location, projectId, projectNumber, name, description }) =>
    setAssociation(context, location, { google: { projectId, projectNumber }, name, description }),
});
