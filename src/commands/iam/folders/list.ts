import { isAncestor } from '../../../api/uidp.ts';
import { defineCommand } from '../../../cli/define.ts';
import { groupDirectory, organization } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';
import { groupView } from '../organizations/view.ts';

export default defineCommand({
  path: ['iam', 'folders', 'list'],
  summary: 'List the folders of an organization.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: organization,
      positional: 'ORGANIZATION',
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Name or id of the organization.',
      question: 'Which organization has the folders?',
    },
  },
  examples: [
    { text: 'As a tree', args: 'example.com' },
    { text: 'Only the ids, for a script', args: 'example.com --output=id' },
  ],
  view: { ...groupView, empty: 'This organization has no folders that you may see.' },
  formats: ['tree', 'table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: async (context, { parent }) => {
    const { groups, byId } = await groupDirectory(context);
    const below = groups.filter((group) => isAncestor(parent.id, group.id ?? ''));
    // Somebody with rights in one folder only sees that folder and not the organization around it.
    if (below.length === 0 && !byId.has(parent.id)) {
      throw new CliError('not-found', `No folder found for "${parent.name}"`, { code: 'not-found.organization' });
    }
    return below;
  },
});
