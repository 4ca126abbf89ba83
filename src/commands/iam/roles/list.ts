import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, exclusive, type Inputs, type InputValues } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, string, strings } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { nameThenId, ordered } from '../../../cli/output/ordered.ts';
import { nearest } from '../../../suggest.ts';
import { uidpFilter } from '../recursion.ts';
import { roleView } from './view.ts';

const inputs = {
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
} as const satisfies Inputs;

export default defineCommand({
  path: ['iam', 'roles', 'list'],
  summary: 'List the roles that can be bound.',
  description:
    'Lists the roles that are built in and the custom ones you may see. With a location only the custom roles made there are listed beside the built-in ones.',
  aliases: ['ls'],
  inputs,
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
  run: (context, input) => ordered(listed(context, input), nameThenId),
});

async function* listed(context: Context, input: InputValues<typeof inputs>): AsyncGenerator<IamRole> {
  let found = 0;
  const api = await context.api();
  const name = input.name === undefined ? {} : { name: input.name };
  const wanted = input.managed ? [builtIn] : input.parent === undefined ? [{}] : [builtIn, uidpFilter(input)];
  for (const filter of wanted) {
    for await (const role of api.list('iam.v1.Roles.List', { ...name, ...filter })) {
      if (!input.capabilities.every((one) => role.capabilities?.includes(one))) continue;
      found += 1;
      yield role;
    }
  }
  if (found === 0) await tellUnknown(context, input.capabilities);
}

/** Says which of the names no capability has: a platform may know more than this program, so it is no error. */
async function tellUnknown(context: Context, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { capabilities } = await import('../../../api/schema/capabilities.gen.ts');
  const known = capabilities.map(({ name }) => name);
  for (const name of names.filter((each) => !known.includes(each))) {
    const near = nearest(name, known);
    context.io.note(
      printable(`No capability is called "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`),
    );
  }
}

/** `/` asks for the built-in ones (semantics 4), which are below no location. */
const builtIn = { parent: '/' };
