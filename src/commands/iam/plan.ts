import { defineCommand, exclusive } from '../../cli/define.ts';
import { boolean, file } from '../../cli/inputs/values.ts';
import { Ending, exitCodes } from '../../errors.ts';
import { broken, filenameInput, makePlan, parentInput, planView } from './files/plan.ts';
import { readFiles } from './files/read-files.ts';
import { savePlan } from './files/saved-plan.ts';

export default defineCommand({
  path: ['iam', 'plan'],
  changesHere: true,
  summary: 'Show what files would change, and who gains or loses what.',
  description:
    'Compares an organization with files as `chainctl iam export` writes them, and changes nothing. Exits 0 when there is ' +
    'nothing to do, 3 when there are changes, and 1 when an entry of `expect:` would not be met.',
  inputs: {
    filename: filenameInput,
    fromPlan: {
      kind: file,
      help: 'What `terraform show -json` prints of a plan, "-" for standard input; files then only say what to expect.',
    },
    parent: parentInput,
    prune: { kind: boolean, help: 'Also delete what the sections of the files do not have.' },
    out: { kind: file, help: 'Keep the plan in this file, for `chainctl iam apply --plan`.' },
  },
  check: [
    { rule: 'one-of', keys: ['filename', 'fromPlan'] },
    exclusive('fromPlan', 'prune'),
    exclusive('fromPlan', 'out'),
  ],
  examples: [
    { text: 'What a file would change', args: '--filename=iam.yaml' },
    {
      text: 'In CI, everything that a folder of files does not have included',
      args: '--filename=iam/ --prune --output=json',
    },
    {
      text: 'What a plan of Terraform would give to whom',
      args: '--from-plan=tfplan.json --filename=expected.yaml',
    },
  ],
  view: planView,
  formats: ['text', 'json'],
  exitError: ([plan]) =>
    plan === undefined
      ? undefined
      : (broken(plan) ?? (plan.changes.length > 0 ? new Ending(exitCodes.differs) : undefined)),
  run: async (context, { filename, fromPlan, parent, prune, out }) => {
    if (fromPlan !== undefined) {
      const { planOfTerraform } = await import('./files/terraform-plan.ts');
      return planOfTerraform(context, fromPlan, { parent, filename });
    }
    const files = await readFiles(context, filename);
    const plan = await makePlan(context, files, { parent, prune });
    if (out !== undefined) await savePlan(context, out, { files, plan, prune });
    return plan;
  },
});
