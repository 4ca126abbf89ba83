// A plan kept in a file, so that what was looked at is what is applied. Guarantees: it holds the texts of the files and
// what they would change, no secret, and is read back only whole.

import { resolve } from 'node:path';
import type { Context } from '../../../cli/context.ts';
import { CliError } from '../../../errors.ts';
import type { FileText } from '../../../organization/document.ts';
import { planLines } from './plan.ts';
import type { Plan } from './plan-shape.ts';

export interface SavedPlan {
  readonly version: 1;
  readonly organizationId: string;
  readonly prune: boolean;
  readonly files: readonly FileText[];
  /** Effects, a line for each change. */
  readonly changes: readonly string[];
}

export async function savePlan(
  context: Context,
  path: string,
  { files, plan, prune }: { readonly files: readonly FileText[]; readonly plan: Plan; readonly prune: boolean },
): Promise<void> {
  const { replaceFile } = await import('../../../files.ts');
  const saved: SavedPlan = { version: 1, organizationId: plan.organization.id, prune, files, changes: planLines(plan) };
  replaceFile(resolve(context.host.cwd, path), `${JSON.stringify(saved, undefined, 2)}\n`);
}

/** Throws a usage CliError for a file that is missing or no plan. */
export async function readPlan(context: Context, path: string): Promise<SavedPlan> {
  const { readTextIfExists } = await import('../../../files.ts');
  const text = readTextIfExists(resolve(context.host.cwd, path));
  const saved = text === undefined ? undefined : parsed(text);
  if (saved !== undefined) return saved;
  const wrong = text === undefined ? 'does not exist' : 'is no plan that `chainctl iam plan --out` wrote';
  throw new CliError('usage', `\`--plan\` "${path}" ${wrong}`, { code: 'usage.iam-file' });
}

function parsed(text: string): SavedPlan | undefined {
  try {
    const value = JSON.parse(text) as Partial<SavedPlan> | null;
    const isPlan =
      value?.version === 1 &&
      typeof value.organizationId === 'string' &&
      Array.isArray(value.changes) &&
      Array.isArray(value.files) &&
      value.files.every((one) => typeof one?.path === 'string' && typeof one.text === 'string');
    return isPlan ? (value as SavedPlan) : undefined;
  } catch {
    return undefined;
  }
}
