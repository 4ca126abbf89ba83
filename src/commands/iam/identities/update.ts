import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { changeOf, defineCommand, exclusive, type Inputs, type InputValues } from '../../../cli/define.ts';
import { description } from '../../../cli/inputs/names.ts';
import { printable } from '../../../cli/io.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import { applyChanges, differences } from './changes.ts';
import { identity } from './identity.ts';
import { fetchIdentity, lookUp } from './look-up.ts';
import { type CheckedRule, checkRuleFlags, issuerProblem, type RuleFlags, ruleInputs } from './rule-flags.ts';
import { identityView, shown } from './view.ts';

const inputs = {
  identity: {
    kind: identity,
    positional: 'IDENTITY',
    flag: false,
    required: true,
    help: 'Name or id of the identity.',
    question: 'Which identity would you like to change?',
  },
  description: { kind: description, help: 'What the identity is for. Pass an empty string to clear it.' },
  ...ruleInputs,
  audience: { ...ruleInputs.audience, help: `${ruleInputs.audience.help} Empty takes the rule away.` },
  claimPattern: {
    ...ruleInputs.claimPattern,
    help: `${ruleInputs.claimPattern.help} Claims that are not named stay as they are; "name:" takes one away.`,
  },
  expiration: {
    ...ruleInputs.expiration,
    help: 'When an identity with issuer keys ends: a date or an RFC 3339 time at most 30 days away; stays when left out.',
  },
} as const satisfies Inputs;

type UpdateInput = InputValues<typeof inputs>;

interface Plan {
  readonly before: IamIdentity;
  readonly after: IamIdentity;
}

const ruleOf = remembered(
  (context: Context, flags: RuleFlags): Promise<CheckedRule> => checkRuleFlags(flags, context, true),
);

/** What the update makes of `before`. */
async function planOf(context: Context, input: UpdateInput, before: IamIdentity): Promise<Plan> {
  const { rule } = await ruleOf(context, input);
  const changes = { ...rule, ...(input.description === undefined ? {} : { description: input.description }) };
  const { identity: after, problems } = applyChanges(before, changes);
  const all = before.claimMatch ? [...problems, ...issuerProblem('`--identity-issuer`', rule.issuer)] : problems;
  if (all[0] !== undefined) throw new CliError('usage', all[0], { code: 'usage.update', details: all.slice(1) });
  return { before, after };
}

export default defineCommand({
  path: ['iam', 'identities', 'update'],
  summary: 'Change an identity.',
  description:
    'Changes what the flags say and keeps the rest. A literal value takes the place of a pattern and the other way round. How an identity is proved (its type) cannot be changed.',
  inputs,
  check: [
    changeOf('description', ...Object.keys(ruleInputs)),
    exclusive('identityIssuer', 'identityIssuerPattern'),
    exclusive('subject', 'subjectPattern'),
    exclusive('audience', 'audiencePattern'),
  ],
  validate: async ({ identity: _identity, description: _description, ...flags }, context) => {
    const { problems, warnings } = await ruleOf(context, flags);
    if (problems.length === 0) for (const warning of warnings) context.io.warn(warning);
    return problems;
  },
  examples: [
    { text: 'Another issuer', args: 'my-identity --identity-issuer=https://issuer.example.com' },
    {
      text: 'A pattern in place of the literal subject, and an audience',
      args: `my-identity --subject-pattern='job:\\d+' --audience=some-audience`,
    },
    { text: 'New keys for a cluster', args: 'my-cluster --issuer-keys=jwks.json --yes' },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: async (input, context) => {
    const { before, after } = await planOf(context, input, await lookUp(context, input.identity));
    const changes = differences(before, after);
    if (changes.length === 0) return undefined;
    const lines = [
      `This changes the identity "${before.name}" (${before.id}):`,
      ...changes.map((change) => `  ${change}`),
      'Do you want to continue?',
    ];
    return { message: lines.map(printable).join('\n'), default: true };
  },
  run: async (context, input) => {
    const { before, after } = await planOf(context, input, await fetchIdentity(context, input.identity.id));
    if (differences(before, after).length === 0) {
      context.io.note(`Identity "${before.name}" is like that already.`);
      return shown(context, before);
    }
    // The platform sets these itself.
    const { createdAt: _created, updatedAt: _updated, lastSeen: _seen, ...message } = after;
    return shown(context, await (await context.api()).call('iam.v1.Identities.Update', message));
  },
});
