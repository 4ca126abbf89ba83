import type { Context } from '../../../cli/context.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { group } from '../../../cli/inputs/references.ts';
import { CliError } from '../../../errors.ts';
import { nearest } from '../../../suggest.ts';
import { capability, toCandidate } from '../roles/capabilities-data.ts';
import { visibleRoles } from '../roles/role.ts';

/** Those of this program's table and those that a role holds: a newer platform may know more. */
async function knownCapabilities(context: Context): Promise<ReadonlySet<string>> {
  const { capabilities } = await import('../../../api/schema/capabilities.gen.ts');
  const roles = await visibleRoles(context);
  return new Set([
    ...capabilities.flatMap(({ name }) => (name.includes('.') ? name : [])),
    ...roles.flatMap((role) => role.capabilities ?? []),
  ]);
}

/** One that exists: a misspelled one is held by nobody, which would be the wrong answer. */
const knownCapability: Kind<string> = {
  metavar: 'CAPABILITY',
  noun: 'capability',
  parse: capability.parse,
  resolve: async (context, text) => {
    const known = await knownCapabilities(context);
    if (known.has(text)) return text;
    const near = nearest(text, known);
    throw new CliError('not-found', `No capability is called "${text}"`, {
      code: 'not-found.capability',
      hint: near === undefined ? 'see `chainctl iam roles capabilities list`' : `did you mean "${near}"?`,
    });
  },
  candidates: async (context) => [...(await knownCapabilities(context))].sort().map(toCandidate),
};

export const capabilityInput = {
  kind: knownCapability,
  positional: 'CAPABILITY',
  flag: false,
  required: true,
  help: 'What is to be done, such as "groups.create"; `chainctl iam roles capabilities list` has them all.',
  question: 'Which capability?',
} as const;

export const onInput = {
  kind: group,
  required: true,
  config: 'default.group',
  help: 'Organization or folder, or the id of anything in one.',
  question: 'Where?',
} as const;

/** An organization, or anything in it, whose access is looked at as a whole. */
export const inOrganizationInput = {
  kind: group,
  required: true,
  config: 'default.group',
  help: 'Organization, or anything in it.',
  question: 'In which organization?',
} as const;
