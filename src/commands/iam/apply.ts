import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { defineCommand, exclusive, type Inputs, type InputValues } from '../../cli/define.ts';
import { boolean, file } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';
import { cacheDir } from '../../host.ts';
import { makeChanges } from './files/make.ts';
import { broken, type FilePlan, filenameInput, makePlan, parentInput, planLines, planView } from './files/plan.ts';
import { planText } from './files/plan-text.ts';
import { readFiles } from './files/read-files.ts';
import { readPlan } from './files/saved-plan.ts';

const inputs = {
  filename: filenameInput,
  plan: {
    kind: file,
    help: 'A plan that `chainctl iam plan --out` kept; refused when the organization has changed since.',
  },
  parent: parentInput,
  prune: { kind: boolean, help: 'Also delete what the sections of the files do not have.' },
} as const satisfies Inputs;

type ApplyInput = InputValues<typeof inputs>;

interface Asked {
  readonly plan: FilePlan;
  /** Expected result, where somebody has seen a plan before this one. */
  readonly agreed: readonly string[] | undefined;
}

async function planned(context: Context, { filename, plan: path, parent, prune }: ApplyInput): Promise<Asked> {
  if (path === undefined) {
    return { plan: await makePlan(context, await readFiles(context, filename), { parent, prune }), agreed: undefined };
  }
  const saved = await readPlan(context, path);
  const plan = await makePlan(context, saved.files, { parent: saved.organizationId, prune: saved.prune });
  return { plan, agreed: saved.changes };
}

/** Plan that somebody confirmed, for the run that follows. */
const askedAbout = new WeakMap<Context, Asked>();

/** Throws kind `conflict` that lists what differs. */
function requireSame(agreed: readonly string[], plan: FilePlan): void {
  const now = planLines(plan);
  const details = [
    ...now.filter((line) => !agreed.includes(line)).map((line) => `now also: ${line}`),
    ...agreed.filter((line) => !now.includes(line)).map((line) => `no longer: ${line}`),
  ];
  if (details.length === 0) return;
  throw new CliError(
    'conflict',
    `"${plan.organization.name}" has changed since the plan was made, so nothing was done`,
    {
      code: 'conflict.plan',
      details,
      hint: 'look at `chainctl iam plan` again',
    },
  );
}

export default defineCommand({
  path: ['iam', 'apply'],
  summary: 'Make an organization as files say.',
  description:
    'Makes the changes that `chainctl iam plan` shows, and prints them. Nothing is deleted without `--prune`, and the last ' +
    'owner never is. Interrupted in the middle, the same command again does the rest.',
  inputs,
  check: [
    { rule: 'one-of', keys: ['filename', 'plan'] },
    exclusive('filename', 'plan'),
    exclusive('plan', 'parent'),
    exclusive('plan', 'prune'),
  ],
  examples: [
    { text: 'Look, agree, and make it so', args: '--filename=iam.yaml' },
    { text: 'In CI, exactly what was reviewed', args: '--plan=reviewed.json --yes' },
  ],
  view: planView,
  formats: ['text', 'json'],
  confirm: async (input, context) => {
    const asked = await planned(context, input);
    askedAbout.set(context, asked);
    const { plan, agreed } = asked;
    if (agreed !== undefined) requireSame(agreed, plan);
    const failed = broken(plan);
    if (failed !== undefined) throw failed;
    const { changes } = plan.result;
    if (changes.length === 0) return undefined;
    const deletes = changes.some(({ action }) => action === 'delete');
    return { message: `${planText(plan)}\nDo you want to continue?`, default: !deletes };
  },
  run: async (context, input) => {
    const asked = askedAbout.get(context);
    const first = asked ?? (await planned(context, input));
    const place = `${context.config.get('platform.api')} ${first.plan.organization.id}`;
    const name = createHash('sha256').update(place).digest('hex').slice(0, 24);
    const { withLock } = await import('../../lock.ts');
    const lock = join(cacheDir(context.host), 'chainctl', `apply-${name}.lock`);
    return withLock(lock, { signal: context.signal }, async () => {
      // Read again: while the question stood, or another one was at work, things may have changed.
      const { plan } = await planned(context, input);
      const agreed = asked === undefined ? first.agreed : planLines(first.plan);
      if (agreed !== undefined) requireSame(agreed, plan);
      const failed = broken(plan);
      if (failed !== undefined) throw failed;
      await makeChanges(context, plan.result.changes);
      return plan;
    });
  },
});
