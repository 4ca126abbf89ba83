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
    const isRole = (await visibleRoles(context)).some(({ name }) => name === text);
    const near = isRole ? undefined : nearest(text, known);
    throw new CliError('not-found', `No capability is called "${text}"`, {
      code: 'not-found.capability',
      ...(isRole ? { hint: `it is a role; see what it can do with \`chainctl iam roles list --name=${text}\`` } : {}),
      ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
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

/** Needed capability, and the command it is for. */
export interface Asked {
  /** The capability, or the command line. */
  readonly text: string;
  /** All of them are needed. */
  readonly capabilities: readonly string[];
}

const isCommand = (text: string) => /^chainctl(\s|$)/.test(text);

const capabilityOrCommand: Kind<Asked> = {
  metavar: 'CAPABILITY|COMMAND',
  noun: 'capability',
  parse: (text) => (isCommand(text) ? text : capability.parse(text)),
  resolve: async (context, text) => {
    if (!isCommand(text)) {
      await knownCapability.resolve?.(context, text, {});
      return { text, capabilities: [text] };
    }
    const needs = await context.needsOf(wordsOf(text).slice(1));
    // To say why a list is empty is no part of what the command does.
    const names = needs.filter(({ isAside }) => !isAside).map((need) => need.capability);
    if (names.length > 0) return { text, capabilities: [...new Set(names)].sort() };
    throw new CliError('usage', `\`${text}\` needs no capability`, {
      code: 'usage.needs-none',
      hint: 'name a command that calls the platform, such as "chainctl images repos list"',
    });
  },
  candidates: async (context) =>
    [...(await knownCapabilities(context))].sort().map((name) => ({
      value: { text: name, capabilities: [name] },
      label: name,
      text: name,
    })),
};

/** A capability, or a whole command line of this program. */
export const capabilityOrCommandInput = {
  kind: capabilityOrCommand,
  positional: 'CAPABILITY|COMMAND',
  flag: false,
  required: true,
  help: 'What is to be done, such as "groups.create", or a command in quotes: all that it needs.',
  question: 'What is to be done?',
} as const;

/** Words between blanks; what stands in quotes is one. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));

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
