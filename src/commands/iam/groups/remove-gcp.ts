import { defineCommand } from '../../../cli/define.ts';
import { unsetAssociation } from '../account-associations/associations.ts';
import { googleProjectId, googleProjectNumber, ignoredTexts, requireAccount } from './cloud-inputs.ts';
import { groupInput } from './group-input.ts';

export default defineCommand({
  path: ['iam', 'groups', 'remove-gcp'],
  summary: 'Remove the project of a group, without a question.',
  inputs: {
    group: groupInput('Which group would you like to remove the project from?'),
    projectId: { ...googleProjectId, help: 'Only if this is the project.' },
    projectNumber: { ...googleProjectNumber, help: 'Only if this is the number of the project.' },
    ...ignoredTexts,
  },
  examples: [{ text: 'Pick the group', args: '' }],
  hidden: true,
  deprecated: 'use `chainctl iam account-associations unset gcp`',
  run: async (context, { group, projectId, projectNumber }) => {
    await requireAccount(context, group, 'google', { projectId, projectNumber });
    await unsetAssociation(context, group, 'google');
  },
});
