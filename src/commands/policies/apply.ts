import type { Context } from '../../cli/context.ts';
import { defineCommand, type Inputs, type InputValues } from '../../cli/define.ts';
import { boolean, file, named } from '../../cli/inputs/values.ts';
import { printableLines } from '../../cli/io.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';
import { descriptionInput, groupInput } from './inputs.ts';
import type { Step } from './plan.ts';
import { appliedView } from './policy-view.ts';

const inputs = {
  name: {
    kind: named('NAME'),
    positional: 'NAME',
    flag: false,
    help: 'What the policy must be called; its document says it as well.',
  },
  group: groupInput,
  filename: {
    kind: { ...file, splitsCommas: true },
    many: true,
    short: 'f',
    help: 'File with one or more policies in YAML or JSON, a folder of them, or "-" for standard input. An editor is opened without it.',
  },
  recursive: { kind: boolean, short: 'R', help: 'Read every .yaml, .yml and .json file in the named folders.' },
  description: descriptionInput,
} as const satisfies Inputs;

/** Read once, for the question and for the change. */
const stepsFor = remembered(async (context: Context, input: InputValues<typeof inputs>): Promise<readonly Step[]> => {
  const [{ readPolicyFiles, tellWarnings }, { stepsOf }] = await Promise.all([
    import('./files.ts'),
    import('./plan.ts'),
  ]);
  const documents =
    input.filename.length === 0
      ? await (await import('./draft.ts')).writePolicies(context, input.name)
      : await readPolicyFiles(context, input.filename, input.recursive);
  const [first] = documents;
  if (input.name !== undefined && (documents.length > 1 || first?.policy.name !== input.name)) {
    const names = documents.map(({ policy }) => `"${policy.name}"`).join(', ');
    throw new CliError('usage', `\`NAME\` is "${input.name}", and the document holds ${names}; nothing was applied`, {
      code: 'usage.policy',
    });
  }
  tellWarnings(context, documents);
  return stepsOf(context, input.group, documents, input.description);
});

export default defineCommand({
  path: ['policies', 'apply'],
  summary: 'Create policies, or bring them up to date.',
  description:
    'A policy is known by the name in its document. One that exists at the location gets a new version; clusters have it within ten seconds.',
  aliases: ['create'],
  inputs,
  examples: [
    { text: 'From a file', args: 'sample-policy --group=example.com --filename=sample-policy.yaml' },
    { text: 'Every file of a folder, in a pipeline', args: '--group=example.com -f policies -R --yes' },
    { text: 'Write one in an editor', args: '--group=example.com' },
  ],
  view: appliedView,
  formats: ['text', 'table', 'json', 'id'],
  confirm: async (input, context) => {
    const steps = await stepsFor(context, input);
    const changed = steps.filter(({ change }) => change === 'Updated');
    if (changed.length === 0) return undefined;
    const names = changed.map(({ document }) => `"${document.policy.name}"`).join(', ');
    return {
      message: printableLines(`This makes a new version of ${names} count. Do you want to continue?`),
      default: true,
    };
  },
  run: async (context, input) => {
    const steps = await stepsFor(context, input);
    const { applySteps } = await import('./plan.ts');
    return applySteps(context, input.group, steps, input.description);
  },
});
