// Defines the parts that the commands of each cloud share, so that aws, gcp and azure differ only in their accounts.

import type { Context } from '../../../cli/context.ts';
import type { CommandDefinition, Inputs } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { group, type Reference } from '../../../cli/inputs/references.ts';
import { named } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import type { Question } from '../../../cli/prompts/question.ts';
import {
  associationsOf,
  type CheckResult,
  type Cloud,
  checkAssociation,
  checkVerdict,
  cloudNames,
  notAssociated,
  unsetAssociation,
} from './associations.ts';
import { checkView } from './view.ts';

/** A text that must look like something; `problem` completes "`--flag` …". */
export const matching = (metavar: string, pattern: RegExp, problem: string): Kind<string> => ({
  metavar,
  parse: (text) => {
    if (!pattern.test(text)) throw new Error(problem);
    return text;
  },
});

/** The organization or folder whose record is meant. */
export const locationInput = (question: string) =>
  ({
    kind: group,
    positional: 'LOCATION',
    flag: false,
    required: true,
    help: 'Name or id of the organization or folder.',
    question,
  }) as const;

/** Inputs of every `set`, after those for the account. */
export const setTexts = {
  name: { kind: named('NAME'), short: 'n', help: 'Name of the record. Defaults to the name of the location.' },
  description: { kind: named('TEXT'), short: 'd', help: 'What the accounts are for.' },
} as const satisfies Inputs;

export const setQuestion = 'Which location is the account for?';

/** `account` is what will be associated, `before` what is in its place now. */
export async function confirmSet(
  context: Context,
  location: Reference,
  cloud: Cloud,
  account: string,
): Promise<Question> {
  const before = (await associationsOf(context, location))?.[cloud];
  const instead = before === undefined ? '' : `, in place of ${accountText(before)}`;
  const message = `This associates ${cloudNames[cloud]} ${account} with "${location.name}"${instead}. Do you want to continue?`;
  return { message: printable(message), default: true };
}

const accountText = (account: object) => {
  const first: unknown = Object.values(account)[0];
  return typeof first === 'string' ? `"${first}"` : 'the present one';
};

const checkInputs = { location: locationInput('Which location would you like to check?') } as const;

export function checkCommand(
  word: string,
  cloud: Cloud,
  trust: string,
): CommandDefinition<typeof checkInputs, CheckResult> {
  const name = cloudNames[cloud];
  return {
    path: ['iam', 'account-associations', 'check', word],
    summary: `Check that the platform can reach the ${name} account.`,
    description: `Has the platform prove itself to ${name} as it would for its work, with rights to nothing. ${trust} The exit code says how it went.`,
    inputs: checkInputs,
    examples: [
      { text: 'By name', args: 'example.com' },
      { text: 'For a script', args: 'example.com --output=json' },
    ],
    view: checkView,
    formats: ['text', 'table', 'json'],
    exitError: checkVerdict,
    run: (context, { location }) => checkAssociation(context, location, cloud),
  };
}

const unsetInputs = {
  location: locationInput('Which location would you like to remove the account from?'),
} as const;

export function unsetCommand(word: string, cloud: Cloud): CommandDefinition<typeof unsetInputs, never> {
  const name = cloudNames[cloud];
  return {
    path: ['iam', 'account-associations', 'unset', word],
    summary: `Remove the ${name} account of a location.`,
    description: `The platform no longer uses the account. Nothing changes in ${name} itself: roles and trust made for this stay there. Accounts of other clouds stay.`,
    inputs: unsetInputs,
    examples: [
      { text: 'Pick the location', args: '' },
      { text: 'Without a question', args: 'example.com --yes' },
    ],
    confirm: async ({ location }, context) => {
      const account = (await associationsOf(context, location))?.[cloud];
      if (account === undefined) throw notAssociated(location, cloud);
      const message = `This removes ${name} account ${accountText(account)} from "${location.name}". Do you want to continue?`;
      return { message: printable(message), default: false };
    },
    run: (context, { location }) => unsetAssociation(context, location, cloud),
  };
}
