import { defineCommand } from '../../../cli/define.ts';
import { setAssociation } from '../account-associations/associations.ts';
import { setQuestion } from '../account-associations/definitions.ts';
import { associationsView } from '../account-associations/view.ts';
import { googleProjectId, googleProjectNumber, recordTexts } from './cloud-inputs.ts';
import { groupInput } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'set-gcp'],
  summary: 'Associate a Google Cloud project with a group.',
  inputs: {
    group: groupInput(setQuestion),
    projectId: { ...googleProjectId, required: true, question: 'What is the id of the project?' },
    projectNumber: { ...googleProjectNumber, required: true, question: 'What is the number of the project?' },
    ...recordTexts,
  },
  examples: [{ text: 'By name', args: 'example.com --project-id=my-project --project-number=123456789' }],
  view: associationsView,
  formats: ['table', 'json', 'id'],
  hidden: true,
  deprecated: 'use `chainctl iam account-associations set gcp`',
  run: (context, { group, projectId, projectNumber, name, description }) =>
    setAssociation(context, group, { google: { projectId, projectNumber }, name, description }),
});
