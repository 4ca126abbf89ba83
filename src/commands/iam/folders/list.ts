import type { IamGroup } from '../../../api/schema/types/iam.gen.ts';
import { isAncestor } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { groupDirectory, inTreeOrder, organization, type Reference } from '../../../cli/inputs/references.ts';
import { arranged } from '../../../cli/output/ordered.ts';
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
  run: (context, { parent }) => arranged(below(context, parent), inTreeOrder),
});

async function* below(context: Context, { id, name }: Reference): AsyncGenerator<IamGroup> {
  // A name was looked up in a list that has the folders too.
  const groups =
    name === id
      ? (await context.api()).list('iam.v1.Groups.List', { uidp: { descendantsOf: id } })
      : (await groupDirectory(context)).groups;
  let isEmpty = true;
  for await (const group of groups) {
    if (!isAncestor(id, group.id ?? '')) continue;
    isEmpty = false;
    yield group;
  }
  // Somebody with rights in one folder only sees that folder and not the organization around it.
  if (isEmpty && !(await groupDirectory(context)).byId.has(id)) {
    throw new CliError('not-found', `No folder found for "${name}"`, { code: 'not-found.organization' });
  }
}
