import type { Context } from '../../../cli/context.ts';
import type { Inputs } from '../../../cli/define.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';
import { associationsOf, type Cloud } from '../account-associations/associations.ts';
import { matching, setTexts } from '../account-associations/definitions.ts';

export const amazonAccount = {
  kind: matching('ACCOUNT', /^[0-9]{12}$/, 'must be the 12 digits of an AWS account'),
  help: 'Id of the AWS account, 12 digits.',
} as const;

export const googleProjectId = {
  kind: matching('PROJECT_ID', /^\S+$/, 'must be the id of a Google Cloud project'),
  help: 'Id of the project.',
} as const;

export const googleProjectNumber = {
  kind: matching('PROJECT_NUMBER', /^[0-9]{1,20}$/, 'must be the digits of a project number'),
  help: 'Number of the project.',
} as const;

const { name, description } = setTexts;

/** These verbs asked no question, so they have no `--yes`. */
export const recordTexts = { name, description } as const satisfies Inputs;

/** The `remove` verbs list the flags of `set` (seed-era.json); a text says nothing about what to remove. */
export const ignoredTexts = {
  name: { ...name, help: 'Accepted for older scripts; changes nothing.' },
  description: { ...description, help: 'Accepted for older scripts; changes nothing.' },
} as const satisfies Inputs;

/** Throws kind `conflict` when an account is named and another one is associated. */
export async function requireAccount(
  context: Context,
  group: Reference,
  cloud: Cloud,
  wanted: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const present: Readonly<Record<string, unknown>> = { ...(await associationsOf(context, group))?.[cloud] };
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined || present[key] === undefined || present[key] === value) continue;
    throw new CliError('conflict', `"${group.name}" is associated with "${present[key]}", not with "${value}"`, {
      code: 'account-association.other-account',
    });
  }
}
