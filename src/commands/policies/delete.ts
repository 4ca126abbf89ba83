import { parentOf } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView, exclusive, type Inputs, type InputValues, needs } from '../../cli/define.ts';
import { group, type Reference } from '../../cli/inputs/references.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import { policy, visiblePolicies } from './policy.ts';

const view = defineView<Reference>({ id: ({ id }) => id, json: ({ id }) => ({ id }) });

const inputs = {
  group: {
    kind: group,
    aliases: ['parent'],
    help: 'Delete every policy of this organization or folder.',
  },
  policies: {
    kind: { ...policy, splitsCommas: true },
    many: true,
    positional: 'POLICY',
    flag: false,
    requiredUnless: 'group',
    help: 'Names or ids of the policies.',
    question: 'Which policies would you like to delete?',
  },
  recursive: { kind: boolean, short: 'R', help: 'With --group, the policies of everything below it as well.' },
} as const satisfies Inputs;

async function chosen(context: Context, input: InputValues<typeof inputs>): Promise<readonly Reference[]> {
  const { group: parent, policies, recursive } = input;
  if (parent === undefined) return policies;
  return (await visiblePolicies(context, parent.id))
    .filter(({ id = '' }) => recursive || parentOf(id) === parent.id)
    .map(({ id = '', name = '' }) => ({ id, name }));
}

export default defineCommand({
  path: ['policies', 'delete'],
  summary: 'Delete policies.',
  description: 'They count no longer within ten seconds. Their versions go with them.',
  aliases: ['rm'],
  inputs,
  check: [exclusive('group', 'policies'), needs('recursive', 'group')],
  examples: [
    { text: 'One policy', args: 'sample-policy' },
    { text: 'All of a folder and below it', args: '--group=staging --recursive --yes' },
  ],
  view,
  formats: ['id', 'json'],
  confirm: async (input, context) => {
    const found = await chosen(context, input);
    if (found.length === 0) return undefined;
    const names = found.map(({ name }) => `"${name}"`).join(', ');
    const what = found.length === 1 ? `the policy ${names}` : `${found.length} policies, ${names}`;
    return { message: printable(`This deletes ${what}. Do you want to continue?`), default: false };
  },
  run: async function* (context, input) {
    const api = await context.api();
    const found = await chosen(context, input);
    if (found.length === 0) context.io.note('There is no policy to delete.');
    for (const one of found) {
      await api.call('iam.v1.Policies.Delete', { id: one.id });
      yield one;
    }
  },
});
