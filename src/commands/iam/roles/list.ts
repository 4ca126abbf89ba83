import type { IamRole } from '../../../api/schema/types.gen.ts';
import { isAncestor, isRoot, parentOf } from '../../../api/uidp.ts';
import { defineCommand, exclusive } from '../../../cli/define.ts';
import { byNameThenId, group } from '../../../cli/inputs/references.ts';
import { boolean, string, strings } from '../../../cli/inputs/values.ts';
import { roleView } from './view.ts';

export default defineCommand({
  path: ['iam', 'roles', 'list'],
  summary: 'List the roles that can be bound.',
  description:
    'Lists the roles that are built in and the custom ones you may see. With a location only the custom roles made there are listed beside the built-in ones.',
  aliases: ['ls'],
  inputs: {
    name: { kind: string, help: 'Only roles with this name.' },
    capabilities: {
      kind: strings('CAPABILITY'),
      many: true,
      help: 'Only roles that hold all of these capabilities, such as "groups.list".',
    },
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      configWhen: (given) => !given.has('managed'),
      help: 'Only custom roles made at this location or below it.',
    },
    managed: { kind: boolean, help: 'Only the roles that are built in.' },
    recursive: {
      kind: boolean,
      default: 'true',
      help: 'With a location: also custom roles made below it. `--recursive=false` leaves them out.',
    },
  },
  check: [exclusive('parent', 'managed')],
  examples: [
    { text: 'Everything that can be bound', args: '' },
    { text: 'The id of one role, for a script', args: '--name=viewer --output=id' },
    { text: 'Roles that may create folders', args: '--capabilities=groups.create' },
    {
      text: 'Built-in roles and those made in the organization itself',
      args: '--parent=example.com --recursive=false',
    },
  ],
  view: roleView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: async (context, input) => {
    const answer = await (await context.api()).call('iam.v1.Roles.List', {
      ...(input.name === undefined ? {} : { name: input.name }),
      // `/` asks for the built-in ones (semantics 4).
      ...(input.managed ? { parent: '/' } : {}),
    });
    const parent = input.managed ? undefined : input.parent?.id;
    return (answer.items ?? [])
      .filter((role) => parent === undefined || isAt(role, parent, input.recursive))
      .filter((role) => input.capabilities.every((wanted) => role.capabilities?.includes(wanted)))
      .sort(byNameThenId);
  },
});

function isAt({ id = '' }: IamRole, place: string, recursive: boolean): boolean {
  if (isRoot(id)) return true;
  return recursive ? isAncestor(place, id) : parentOf(id) === place;
}
