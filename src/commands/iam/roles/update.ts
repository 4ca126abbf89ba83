import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { changeOf, defineCommand, exclusive, type Inputs, type InputValues } from '../../../cli/define.ts';
import type { Chosen, Kind } from '../../../cli/inputs/kind.ts';
import { description } from '../../../cli/inputs/names.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { capability, grantableCapabilities, toCandidate, withNearMiss } from './capabilities-data.ts';
import { customRole, fetchCustomRole, lookUpCustomRole } from './custom-role.ts';
import { roleView } from './view.ts';

/** Capabilities of the role that was chosen before; it is declared first. */
const heldBy = async (context: Context, chosen: Chosen) =>
  (await lookUpCustomRole(context, chosen['role'] as Reference)).capabilities ?? [];

const missing: Kind<string> = {
  ...capability,
  candidates: async (context, chosen) => {
    const held = new Set(await heldBy(context, chosen));
    return [...(await grantableCapabilities())]
      .filter((name) => !held.has(name))
      .sort()
      .map(toCandidate);
  },
};

const held: Kind<string> = {
  ...capability,
  candidates: async (context, chosen) => [...(await heldBy(context, chosen))].sort().map(toCandidate),
};

const inputs = {
  role: {
    kind: customRole,
    positional: 'ROLE',
    flag: false,
    required: true,
    help: 'Name or id of the role.',
    question: 'Which role would you like to change?',
  },
  capabilities: {
    kind: capability,
    many: true,
    askWhenEmpty: true,
    help: 'What the role allows from now on, in place of what it allowed; empty asks.',
    question: 'Which capabilities does the role have?',
  },
  addCapabilities: {
    kind: missing,
    many: true,
    askWhenEmpty: true,
    help: 'What the role allows as well; empty asks.',
    question: 'Which capabilities does the role get?',
  },
  removeCapabilities: {
    kind: held,
    many: true,
    askWhenEmpty: true,
    help: 'What the role no longer allows; empty asks.',
    question: 'Which capabilities does the role lose?',
  },
  description: {
    kind: description,
    help: 'What the role is for. Pass an empty string to clear it.',
    current: async (context, { role: one }) => (await lookUpCustomRole(context, one as Reference)).description,
  },
} as const satisfies Inputs;

interface Plan {
  readonly before: IamRole;
  readonly after: IamRole;
  /** One line each, such as `+ groups.list`. */
  readonly changes: readonly string[];
}

/** Returns what the update makes of `before`. */
function planOf(input: InputValues<typeof inputs>, before: IamRole): Plan {
  const had = before.capabilities ?? [];
  const base = input.capabilities.length > 0 ? input.capabilities : had;
  const removed = new Set(input.removeCapabilities);
  const capabilities = [...new Set([...base, ...input.addCapabilities])].filter((name) => !removed.has(name));
  if (capabilities.length === 0) {
    throw new CliError('usage', `Role "${before.name}" would allow nothing`, {
      code: 'role.empty',
      hint: `to be rid of it: \`chainctl iam roles delete ${before.id}\``,
    });
  }
  const text = input.description ?? before.description ?? '';
  const changes = [
    ...(text === (before.description ?? '') ? [] : [`description: "${text}"`]),
    ...capabilities.filter((name) => !had.includes(name)).map((name) => `+ ${name}`),
    ...had.filter((name) => !capabilities.includes(name)).map((name) => `- ${name}`),
  ];
  return { before, after: { ...before, description: text, capabilities }, changes };
}

export default defineCommand({
  path: ['iam', 'roles', 'update'],
  summary: 'Change a custom role.',
  description: 'Changes what the flags say and keeps the rest, for everybody the role is bound to.',
  inputs,
  check: [
    changeOf('capabilities', 'addCapabilities', 'removeCapabilities', 'description'),
    exclusive('capabilities', 'addCapabilities'),
    exclusive('capabilities', 'removeCapabilities'),
  ],
  examples: [
    { text: 'These capabilities and no others', args: 'my-role --capabilities=groups.list,identity.list' },
    { text: 'One more', args: 'my-role --add-capabilities=repo.list' },
    { text: 'One less', args: 'my-role --remove-capabilities=identity.list' },
    { text: 'Pick what to add', args: 'my-role --add-capabilities=' },
  ],
  view: roleView,
  formats: ['table', 'json', 'id'],
  confirm: async (input, context) => {
    const { before, changes } = planOf(input, await lookUpCustomRole(context, input.role));
    if (changes.length === 0) return undefined;
    const lines = [
      `This changes the role "${before.name}" (${before.id}):`,
      ...changes.map((change) => `  ${change}`),
      'Do you want to continue?',
    ];
    return { message: lines.map(printable).join('\n'), default: true };
  },
  run: async (context, input) => {
    const { before, after, changes } = planOf(input, await fetchCustomRole(context, input.role));
    const api = await context.api();
    if (changes.length > 0) {
      return withNearMiss(after.capabilities ?? [], () => api.call('iam.v1.Roles.Update', after));
    }
    context.io.note(printable(`Role "${before.name}" is like that already.`));
    return before;
  },
});
