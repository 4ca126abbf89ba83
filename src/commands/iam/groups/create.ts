import { defineCommand, exclusive } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { skipRefreshInput } from '../organizations/group-changes.ts';
import { reachNewOrganization } from '../organizations/refresh.ts';
import { groupsView } from './group-input.ts';

/** Today's tree has no verb that makes an organization or folder, so this one has no successor to name. */
export default defineCommand({
  path: ['iam', 'groups', 'create'],
  summary: 'Create an organization or a folder.',
  description: 'Without a parent an organization, which you own; with one a folder in it.',
  inputs: {
    name: {
      kind: resourceName,
      positional: 'GROUP_NAME',
      flag: false,
      required: true,
      help: 'Name of the new organization or folder.',
      question: 'What is the group called?',
    },
    parent: {
      kind: group,
      aliases: ['group'],
      requiredUnless: 'noParent',
      config: 'default.group',
      configWhen: (given) => !given.has('noParent'),
      help: 'Organization or folder in which to create a folder.',
      question: 'Where does the folder belong?',
    },
    noParent: { kind: boolean, help: 'Create an organization.' },
    description: { kind: description, short: 'd', help: 'What it is for.' },
    skipRefresh: skipRefreshInput,
    yes: { kind: boolean, short: 'y', help: 'Do not ask for confirmation.' },
  },
  check: [exclusive('parent', 'noParent')],
  examples: [
    { text: 'An organization', args: 'my-org --no-parent' },
    { text: 'A folder', args: 'my-folder --parent=example.com --yes' },
  ],
  view: groupsView,
  formats: ['table', 'json', 'id'],
  confirm: ({ name, parent }) => ({
    message: printable(
      parent === undefined
        ? `This creates the organization "${name}". Do you want to continue?`
        : `This creates the folder "${name}" in "${parent.name}". Do you want to continue?`,
    ),
    default: true,
  }),
  run: async (context, { name, parent, description: text, skipRefresh }) => {
    const made = await (await context.api()).call('iam.v1.Groups.Create', {
      ...(parent === undefined ? {} : { parent: parent.id }),
      group: { name, ...(text === undefined ? {} : { description: text }) },
    });
    // What holds in the parent holds in a new folder; only a new organization is unknown to the token.
    if (parent === undefined && !skipRefresh) await reachNewOrganization(context, made.id ?? '');
    return made;
  },
});
