import type { Context } from '../../../cli/context.ts';
import { group, type Reference } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';
import { locationQuestion } from './definition.ts';

/** `--parent` is needed with `--pull-token` only, so the pipeline can neither look it up nor ask for it. */
export async function locationOf(context: Context, name: string): Promise<Reference> {
  const named = name === '' ? undefined : await group.resolve?.(context, name, {});
  if (named !== undefined) return named;
  const sole = await group.onlyCandidate?.(context, {});
  if (sole !== undefined) return sole.value;
  if (!context.io.interactive) {
    throw new CliError('usage', '`--parent` is required when not running interactively', { code: 'usage.missing' });
  }
  const picked = await context.prompts.pick(locationQuestion, (await group.candidates?.(context, {})) ?? []);
  context.io.note(`  ✔ Selected folder ${picked.label}.`);
  return picked.value;
}
