import { parentOf } from '../../api/uidp.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, type Inputs, type InputValues } from '../../cli/define.ts';
import { printableLines } from '../../cli/io.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';
import type { Step } from './plan.ts';
import { findPolicy, policy } from './policy.ts';
import { appliedView } from './policy-view.ts';

const inputs = {
  policy: {
    kind: policy,
    positional: 'POLICY',
    flag: false,
    required: true,
    help: 'Name or id of the policy.',
    question: 'Which policy would you like to edit?',
  },
} as const satisfies Inputs;

/** Written once, for the question and for the change. */
const stepOf = remembered(async (context: Context, { policy: { id } }: InputValues<typeof inputs>): Promise<Step> => {
  const [{ editPolicies }, { tellWarnings }] = await Promise.all([import('./draft.ts'), import('./files.ts')]);
  const before = await findPolicy(context, id);
  const instead = 'apply a file with `chainctl policies apply --filename=FILE`';
  const documents = await editPolicies(context, before.document ?? '', instead);
  const [document, ...others] = documents;
  if (document === undefined || others.length > 0 || document.policy.name !== before.name) {
    throw new CliError(
      'usage',
      `The document must hold the policy "${before.name}" and no other; nothing was changed`,
      {
        code: 'usage.policy',
      },
    );
  }
  tellWarnings(context, documents);
  return { document, before, change: before.document === document.text ? 'Unchanged' : 'Updated' };
});

export default defineCommand({
  path: ['policies', 'edit'],
  summary: 'Edit the document of a policy.',
  description: 'Opens the program of VISUAL or EDITOR on it. A changed document becomes a new version.',
  inputs,
  examples: [
    { text: 'One policy', args: 'sample-policy' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: appliedView,
  formats: ['text', 'table', 'json', 'id'],
  confirm: async (input, context) => {
    const { change, document } = await stepOf(context, input);
    if (change === 'Unchanged') return undefined;
    const message = `This makes a new version of "${document.policy.name}" count. Do you want to continue?`;
    return { message: printableLines(message), default: true };
  },
  run: async (context, input) => {
    const step = await stepOf(context, input);
    const { applySteps } = await import('./plan.ts');
    const id = parentOf(step.before?.id ?? '');
    return applySteps(context, { id, name: id }, [step], undefined);
  },
});
