// Plans a Terraform plan: what it would change in an organization, and who gains or loses what.

import type { Facts } from '../../../access/grants.ts';
import { isUidp } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';
import { type Document, readDocument } from '../../../organization/document.ts';
import { factsOf, type State } from '../../../organization/state.ts';
import { changesOfTerraform, organizationsIn } from '../../../organization/terraform-plan/changes.ts';
import { readTerraformPlan, type TerraformPlan } from '../../../organization/terraform-plan/read.ts';
import { consequences, knownCapabilities } from './plan.ts';
import type { Plan } from './plan-shape.ts';
import { readFiles } from './read-files.ts';
import { organizationNamed, readState, requireSight } from './state.ts';

/** `filename`: files of which only `expect` counts. Throws a usage CliError for what is no plan. */
export async function planOfTerraform(
  context: Context,
  path: string,
  { parent, filename }: { readonly parent: string | undefined; readonly filename: readonly string[] },
): Promise<Plan> {
  const [file] = await readFiles(context, [path], '--from-plan');
  const terraform = readTerraformPlan(file?.text ?? '', path);
  const document = filename.length === 0 ? undefined : expectationsOf(await readFiles(context, filename), filename);
  const organization = await organizationOf(context, terraform, parent ?? document?.organization.value);
  await requireSight(context, organization);
  const before = await readState(context, organization);
  const { changes, after, invites, unsure, isOpen } = changesOfTerraform(before, terraform);
  const now = context.host.now();
  const facts = (state: State, which: 'before' | 'after'): Facts => ({
    ...factsOf(state, now),
    invites: invites[which],
    ...(isOpen && which === 'after' ? { hidden: new Set(['bindings'] as const) } : {}),
  });
  const both = { before: facts(before, 'before'), after: facts(after, 'after') };
  const known = await knownCapabilities(before);
  return {
    organization: { id: organization.id, name: before.organization.name ?? organization.name },
    source: 'Terraform says',
    changes,
    roles: [...before.roles, ...after.roles],
    unmentioned: [],
    unsure,
    ...consequences(before, after, both, document?.expectations ?? [], known),
  };
}

function expectationsOf(files: Parameters<typeof readDocument>[0], names: readonly string[]): Document {
  const document = readDocument(files);
  const [section] = document.mentioned;
  if (section === undefined) return document;
  throw new CliError(
    'usage',
    `With \`--from-plan\` only "expect" of "${names.join(', ')}" counts, and it has "${section}"`,
    {
      code: 'usage.iam-file',
      hint: 'Terraform says what the organization has; put what you expect into a file of its own',
    },
  );
}

async function organizationOf(context: Context, plan: TerraformPlan, named: string | undefined): Promise<Reference> {
  const ids = organizationsIn(plan);
  if (named !== undefined) return organizationNamed(context, named);
  const [only, ...others] = await Promise.all(ids.filter(isUidp).map((id) => organizationNamed(context, id)));
  if (only !== undefined && others.length === 0) return only;
  const problem =
    only === undefined
      ? 'The plan names no organization that is there'
      : `The plan is about ${ids.length} organizations: ${[only, ...others].map(({ name }) => name).join(', ')}`;
  throw new CliError('usage', problem, { code: 'usage.terraform-plan', hint: 'say which with `--parent`' });
}
