import { holdingsAt } from '../../../access/authority.ts';
import { type Decision, decide } from '../../../access/grants.ts';
import { compact } from '../../../api/compact.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { shellWord } from '../../../shell-word.ts';
import { principalAt } from '../role-bindings/bindings.ts';
import { factsAt, ownHoldings, placeName, showGrant } from './facts.ts';
import { capabilityInput, onInput } from './inputs.ts';
import { grantLine } from './view.ts';

interface Answer {
  readonly answer: Decision['answer'];
  readonly who: string;
  readonly identityId: string;
  readonly capability: string;
  readonly location: string;
  readonly locationId: string;
  /** Sources that give it, a line each. */
  readonly through: readonly string[];
  /** Sources that would give it, if a condition is met that no list answers. */
  readonly conditions: readonly string[];
  /** Lists that this login does not see, a sentence each. */
  readonly unseen: readonly string[];
}

const answerView = defineView<Answer>({
  text: ({ answer, through: [first, ...others] }) =>
    `${answer}${first === undefined ? '' : `, as ${first}`}${others.length > 0 ? ` and ${others.length} more` : ''}\n`,
  columns: [
    {
      head: 'ANSWER',
      value: ({ answer }) => answer,
      state: ({ answer }) => (answer === 'yes' ? 'pass' : answer === 'no' ? 'fail' : 'warn'),
    },
    { head: 'WHO', value: ({ who }) => who },
    { head: 'CAPABILITY', value: ({ capability }) => capability },
    { head: 'LOCATION', value: ({ location }) => location },
    { head: 'THROUGH', rank: 1, value: ({ through }) => through.join('; ') },
  ],
  json: compact,
});

export default defineCommand({
  path: ['iam', 'access', 'can-i'],
  summary: 'Check whether you or someone else can do something.',
  description:
    'Exits 0 for yes and 1 for no. About yourself the issuer is asked, so groups and narrowed tokens count. About others ' +
    'the lists that you may see are read: where only a group of an identity provider or a binding that you cannot see could ' +
    'give it, the answer is "unknown", which exits 1 too.',
  inputs: {
    on: onInput,
    capability: capabilityInput,
    as: {
      kind: principalAt('on'),
      help: 'Someone else: name or id of an identity, or the address of a user who holds a role.',
    },
  },
  examples: [
    { text: 'In a script', args: 'repo.create --on=example.com --output=none' },
    { text: 'About someone else', args: 'groups.create --on=engineering --as=guest-identity' },
  ],
  view: answerView,
  formats: ['text', 'table', 'json', 'csv', 'none'],
  exitError: ([answer]) => (answer === undefined || answer.answer === 'yes' ? undefined : refusal(answer)),
  run: async (context, { capability, on, as }): Promise<Answer> => {
    const asked = { capability, location: await placeName(context, on.id), locationId: on.id };
    return as === undefined
      ? { ...(await aboutMe(context, capability, on.id)), ...asked }
      : aboutOther(context, as, asked);
  },
});

async function aboutMe(context: Context, capability: string, on: string) {
  const { id, name, holdings } = await ownHoldings(context);
  const found = holdingsAt(holdings, capability, on);
  const through = await Promise.all(
    found.map(async ({ place, role }) => `${role?.name ?? 'a narrowed token'} in ${await placeName(context, place)}`),
  );
  const answer: Decision['answer'] = found.length > 0 ? 'yes' : 'no';
  return { answer, who: name, identityId: id, through, conditions: [], unseen: [] };
}

async function aboutOther(
  context: Context,
  as: Reference,
  asked: Pick<Answer, 'capability' | 'location' | 'locationId'>,
): Promise<Answer> {
  const on = asked.locationId;
  const facts = await factsAt(context, on);
  const { answer, paths, conditions } = decide(facts, as, asked.capability, on);
  const lines = (grants: typeof paths) =>
    Promise.all(grants.map(async (grant) => grantLine(await showGrant(context, grant, on))));
  return {
    ...asked,
    answer,
    who: as.name,
    identityId: as.id,
    through: await lines(paths),
    conditions: answer === 'yes' ? [] : await lines(conditions),
    unseen: answer === 'yes' ? [] : facts.unseen,
  };
}

function refusal({ answer, who, capability, location, locationId, conditions, unseen }: Answer): CliError {
  const details = [...conditions.map((line) => `if it is met: ${line}`), ...unseen].map(printable);
  const place = location === locationId ? locationId : shellWord(location);
  const hint = `see why with \`chainctl iam access explain ${shellWord(who)} ${capability} --on=${place}\``;
  const may = (verb: string) => printable(`"${who}" ${verb} "${capability}" in "${location}"`);
  return answer === 'no'
    ? new CliError('permission', may('does not have'), { code: 'access.denied', hint, details })
    : new CliError('permission', `No list tells whether ${may('has')}`, { code: 'access.unknown', hint, details });
}
