import { isPattern } from '../../../api/claim-patterns.ts';
import { type GithubWorkflows, githubRule, githubWarnings, githubWorkflowsOf } from '../../../api/github-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { changeOf, defineCommand, exclusive, type Inputs, type InputValues } from '../../../cli/define.ts';
import type { Chosen } from '../../../cli/inputs/kind.ts';
import { description } from '../../../cli/inputs/names.ts';
import { printable } from '../../../cli/io.ts';
import { remembered } from '../../../cli/remembered.ts';
import { kebab } from '../../../cli/spelling.ts';
import { CliError } from '../../../errors.ts';
import { applyChanges, differences } from './changes.ts';
import { githubFlagProblems, githubInputs, repositoryOf } from './github-repository.ts';
import { type IdentityReference, identity } from './identity.ts';
import { fetchIdentity, lookUp } from './look-up.ts';
import { type CheckedRule, checkRuleFlags, issuerProblem, type RuleFlags, ruleInputs } from './rule-flags.ts';
import { identityView, shown } from './view.ts';

const chosenIdentity = (context: Context, { identity: one }: Chosen) => lookUp(context, one as IdentityReference);

const chosenRule = async (context: Context, chosen: Chosen) => (await chosenIdentity(context, chosen)).claimMatch;

/** As `create github` would be told of them; undefined for an identity of another kind. */
async function chosenWorkflows(context: Context, chosen: Chosen) {
  const { claimMatch } = await chosenIdentity(context, chosen);
  const workflows = claimMatch && githubWorkflowsOf(claimMatch);
  if (workflows === undefined) return undefined;
  const { repo } = workflows;
  return { ...workflows, repo: typeof repo === 'string' ? repo : `${repo.owner}/${repo.name}` };
}

const inputs = {
  identity: {
    kind: identity,
    positional: 'IDENTITY',
    flag: false,
    required: true,
    help: 'Name or id of the identity.',
    question: 'Which identity would you like to change?',
  },
  description: {
    kind: description,
    help: 'What the identity is for. Pass an empty string to clear it.',
    current: async (context, chosen) => (await chosenIdentity(context, chosen)).description,
  },
  ...ruleInputs,
  identityIssuer: {
    ...ruleInputs.identityIssuer,
    current: async (context, chosen) => (await chosenRule(context, chosen))?.issuer,
  },
  subject: { ...ruleInputs.subject, current: async (context, chosen) => (await chosenRule(context, chosen))?.subject },
  subjectPattern: {
    ...ruleInputs.subjectPattern,
    current: async (context, chosen) => (await chosenRule(context, chosen))?.subjectPattern,
  },
  audience: {
    ...ruleInputs.audience,
    current: async (context, chosen) => (await chosenRule(context, chosen))?.audience,
    help: `${ruleInputs.audience.help} Empty takes the rule away.`,
  },
  claimPattern: {
    ...ruleInputs.claimPattern,
    help: `${ruleInputs.claimPattern.help} Claims that are not named stay as they are; "name:" takes one away.`,
  },
  githubRepo: {
    ...githubInputs.githubRepo,
    help: 'Repository whose workflows may assume the identity; the reference stays.',
    question: 'Which repository (owner/name)?',
    current: async (context, chosen) => (await chosenWorkflows(context, chosen))?.repo,
  },
  githubRef: {
    ...githubInputs.githubRef,
    help: 'Reference the workflow must run for, such as "refs/heads/main"; empty is every workflow of the repository.',
    question: 'Which reference, such as refs/heads/main?',
    current: async (context, chosen) => (await chosenWorkflows(context, chosen))?.ref,
  },
  githubAudience: {
    ...githubInputs.githubAudience,
    help: 'Audience of the tokens; empty is the address of the token issuer.',
    question: 'Which audience?',
    example: 'https://issuer.enforce.dev',
    current: async (context, chosen) => (await chosenWorkflows(context, chosen))?.audience,
  },
  subjectForm: {
    ...githubInputs.subjectForm,
    help: 'Which subjects of one repository to accept; stays when left out.',
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

/** Returns what the update makes of `before`. */
async function planOf(context: Context, input: UpdateInput, before: IamIdentity): Promise<Plan> {
  const { rule } = await ruleOf(context, input);
  const changes = { ...rule, ...(input.description === undefined ? {} : { description: input.description }) };
  const { identity: changed, problems } = applyChanges(before, changes);
  const after = await withWorkflows(context, input, changed);
  const all = before.claimMatch ? [...problems, ...issuerProblem('`--identity-issuer`', rule.issuer)] : problems;
  if (all[0] !== undefined) throw new CliError('usage', all[0], { code: 'usage.update', details: all.slice(1) });
  return { before, after };
}

const workflowKeys = ['githubRepo', 'githubRef', 'githubAudience', 'subjectForm'] as const;

type WorkflowFlags = Pick<UpdateInput, (typeof workflowKeys)[number]>;

const repositoryFor = remembered(repositoryOf);

/** With another repository or reference, the rest of what says which workflows are meant kept. */
async function withWorkflows(context: Context, flags: WorkflowFlags, identity: IamIdentity): Promise<IamIdentity> {
  const { githubRepo, githubRef, githubAudience, subjectForm } = flags;
  const given = workflowKeys.find((key) => flags[key] !== undefined);
  if (given === undefined) return identity;
  const before = identity.claimMatch && githubWorkflowsOf(identity.claimMatch);
  if (identity.claimMatch === undefined || before === undefined) {
    throw new CliError(
      'usage',
      `\`--${kebab(given)}\` does not apply to "${identity.name}", which was not made for GitHub Actions`,
      {
        code: 'usage.update',
        hint: 'change it with `--subject` or `--subject-pattern`',
      },
    );
  }
  const form = subjectForm ?? before.form;
  const repo = githubRepo === undefined ? before.repo : await repositoryFor(context, { githubRepo, subjectForm });
  const ref = githubRef === undefined ? before.ref : githubRef || undefined;
  if (githubRepo === undefined && typeof repo === 'string' && isPattern(repo) && subjectForm !== undefined) {
    throw new CliError('usage', '`--subject-form` is for one repository, and the identity has a pattern', {
      code: 'usage.update',
    });
  }
  const audience = githubAudience === undefined ? before.audience : githubAudience || undefined;
  const workflows: GithubWorkflows = { repo, form, ref, audience };
  const { subject: _subject, subjectPattern: _pattern, audience: _audience, claims, ...others } = identity.claimMatch;
  const { audiencePattern, ...withoutPattern } = others;
  // A pattern of audiences says nothing beside one that is given.
  const rest =
    githubAudience === undefined && audiencePattern ? { ...withoutPattern, audiencePattern } : withoutPattern;
  const { repository_id: _id, repository_owner_id: _owner, ...otherClaims } = claims ?? {};
  const rule = githubRule(workflows);
  const allClaims = { ...otherClaims, ...rule.claims };
  const { claims: _claims, ...match } = { ...rest, ...rule };
  const isEmpty = Object.keys(allClaims).length === 0;
  return { ...identity, claimMatch: isEmpty ? match : { ...match, claims: allClaims } };
}

const ruleKeys = ['identityIssuer', 'identityIssuerPattern', 'subject', 'subjectPattern'] as const;

export default defineCommand({
  path: ['iam', 'identities', 'update'],
  summary: 'Change an identity.',
  description:
    'Changes what the flags say and keeps the rest. A literal value takes the place of a pattern and the other way round. How an identity is proved (its type) cannot be changed.',
  inputs,
  check: [
    changeOf('description', ...Object.keys(ruleInputs), ...workflowKeys),
    ...workflowKeys.flatMap((key) => ruleKeys.map((other) => exclusive(key, other))),
    exclusive('githubAudience', 'audience'),
    exclusive('githubAudience', 'audiencePattern'),
    exclusive('identityIssuer', 'identityIssuerPattern'),
    exclusive('subject', 'subjectPattern'),
    exclusive('audience', 'audiencePattern'),
  ],
  validate: async (
    { identity: _, description: __, githubRepo, githubRef, githubAudience: ___, subjectForm, ...flags },
    context,
  ) => {
    const { problems, warnings } = await ruleOf(context, flags);
    // An empty reference takes the rule away.
    const ofGithub = await githubFlagProblems({ githubRepo, githubRef: githubRef || undefined, subjectForm });
    const all = [...problems, ...ofGithub];
    if (all.length > 0) return all;
    const more = githubRepo === undefined ? [] : githubWarnings(githubRepo, githubRef || undefined);
    for (const warning of [...warnings, ...more]) context.io.warn(warning);
    return all;
  },
  examples: [
    { text: 'Another repository, of the same branch', args: 'my-app --github-repo=acme/other' },
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
