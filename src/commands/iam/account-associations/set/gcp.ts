import { defineCommand } from '../../../../cli/define.ts';
import { named } from '../../../../cli/inputs/values.ts';
import { setAssociation } from '../associations.ts';
import { confirmSet, locationInput, setQuestion, setTexts } from '../definitions.ts';
import { associationsView } from '../view.ts';

export default defineCommand({
  path: ['iam', 'account-associations', 'set', 'gcp'],
  summary: 'Associate a Google Cloud project with a location.',
  description: 'Takes the place of the project that is associated now. Accounts of other clouds stay.',
  inputs: {
    location: locationInput(setQuestion),
    projectId: {
      kind: named('PROJECT_ID'),
      required: true,
      help: 'Id of the project, e.g. "my-project".',
      question: 'What is the id of the project?',
    },
    projectNumber: {
      kind: named('PROJECT_NUMBER'),
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
  // The platform takes any text; only Google says that there is no such project.
  validate: async ({ projectId, projectNumber }, context) => {
    if (projectId !== undefined && !/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(projectId)) {
      context.io.warn(`\`--project-id\` "${projectId}" does not look like the id of a Google Cloud project`);
    }
    if (projectNumber !== undefined && !/^[0-9]{1,20}$/.test(projectNumber)) {
      context.io.warn(`\`--project-number\` "${projectNumber}" is not the digits of a project number`);
    }
    return [];
  },
  confirm: ({ location, projectId }, context) => confirmSet(context, location, 'google', `project "${projectId}"`),
  run: (context, { location, projectId, projectNumber, name, description }) =>
    setAssociation(context, location, { google: { projectId, projectNumber }, name, description }),
});
