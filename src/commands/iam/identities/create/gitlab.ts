import { isPattern } from '../../../../api/claim-patterns.ts';
import { gitlabProblems, gitlabRule, gitlabWarnings } from '../../../../api/gitlab-rules.ts';
import type { IamIdentity } from '../../../../api/schema/types/iam.gen.ts';
import { defineCommand } from '../../../../cli/define.ts';
import { choice, named } from '../../../../cli/inputs/values.ts';
import { tellGitlab } from '../ci-lines.ts';
import { createIdentity, creationQuestion } from '../create-identity.ts';
import { creation } from '../naming.ts';
import { checkPattern } from '../rule-flags.ts';
import { identityView } from '../view.ts';

interface GitlabInput {
  readonly name: string;
  readonly projectPath: string;
  readonly refType: 'branch' | 'tag';
  readonly ref: string | undefined;
  readonly description: string | undefined;
}

const toIdentity = (input: GitlabInput): IamIdentity => ({
  name: input.name,
  ...(input.description === undefined ? {} : { description: input.description }),
  claimMatch: gitlabRule(input),
});

export default defineCommand({
  path: ['iam', 'identities', 'create', 'gitlab'],
  summary: 'Create an identity for a GitLab CI job.',
  description:
    'For gitlab.com; an instance of your own is an ordinary issuer, so use `chainctl iam identities create` for it. Tokens need the audience "https://gitlab.com".\nIn project and reference "*" stands for anything; with other special characters they are regular expressions (RE2).',
  inputs: {
    name: creation.name,
    projectPath: {
      kind: named('GROUP/PROJECT'),
      required: true,
      help: 'Project whose jobs may assume the identity; "my-group/*" is any project of the group.',
      question: 'Which project (group/project)?',
    },
    refType: {
      kind: choice('branch', 'tag'),
      required: true,
      help: 'Kind of reference the job must run for.',
      question: 'For branches or for tags?',
    },
    ref: {
      kind: named('REF'),
      help: 'Branch or tag the job must run for, such as "main"; any when left out or "*".',
    },
    ...creation.place,
  },
  validate: async ({ projectPath, ref }, context) => {
    const problems = gitlabProblems(projectPath, ref);
    for (const [name, text] of [
      ['`--project-path`', projectPath],
      ['`--ref`', ref],
    ] as const) {
      // With stars alone it is no regular expression.
      if (text !== undefined && isPattern(text.replaceAll('*', ''))) await checkPattern(name, text, problems, []);
    }
    if (problems.length === 0 && projectPath !== undefined) {
      for (const warning of gitlabWarnings(projectPath, ref)) context.io.warn(warning);
    }
    return problems;
  },
  examples: [
    {
      text: 'The main branch of one project',
      args: 'my-job --project-path=my-group/my-project --ref-type=branch --ref=main --role=registry.pull',
    },
    { text: 'Every tag of every project of a group', args: `releases --project-path='my-group/*' --ref-type=tag` },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: (input, context) => creationQuestion(context, { ...input, identity: toIdentity(input) }),
  run: (context, input) => createIdentity(context, { ...input, identity: toIdentity(input) }),
  afterRender: async (context, made) => {
    const audience = made[0]?.identity.claimMatch?.audience ?? context.config.get('platform.issuer');
    tellGitlab(context, made, audience);
  },
});
