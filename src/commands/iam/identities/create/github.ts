import {
  type GithubRepository,
  githubProblems,
  githubRule,
  githubWarnings,
  repositoryIn,
  type SubjectForm,
  subjectForms,
} from '../../../../api/github-rules.ts';
import { isPattern } from '../../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { defineCommand } from '../../../../cli/define.ts';
import { choice, named, string } from '../../../../cli/inputs/values.ts';
import { remembered } from '../../../../cli/remembered.ts';
import { CliError } from '../../../../errors.ts';
import { tellGithub } from '../ci-lines.ts';
import { createIdentity, creationQuestion } from '../create-identity.ts';
import { creation } from '../naming.ts';
import { checkPattern } from '../rule-flags.ts';
import { identityView } from '../view.ts';

interface GithubInput {
  readonly name: string;
  readonly githubRepo: string;
  readonly githubRef: string | undefined;
  readonly githubAudience: string | undefined;
  readonly subjectForm: SubjectForm | undefined;
  readonly description: string | undefined;
}

const toIdentity = (input: GithubInput, repo: GithubRepository | string): IamIdentity => ({
  name: input.name,
  ...(input.description === undefined ? {} : { description: input.description }),
  claimMatch: githubRule({ repo, form: input.subjectForm, ref: input.githubRef, audience: input.githubAudience }),
});

/** With the ids of the repository where they can be known. What cannot is said once, before anything is asked or made. */
const identityOf = remembered(
  async (context: Context, input: GithubInput): Promise<IamIdentity> =>
    toIdentity(input, await repositoryOf(context, input)),
);

async function repositoryOf(
  context: Context,
  { githubRepo, subjectForm }: GithubInput,
): Promise<GithubRepository | string> {
  if (isPattern(githubRepo)) return githubRepo;
  const known = repositoryIn(githubRepo);
  if (known !== undefined) return known;
  const { askGithub } = await import('../../../../api/github.ts');
  const simulator = new URL(context.config.get('platform.issuer')).origin;
  const answer = await askGithub(context.host, { repo: githubRepo, simulator, signal: context.signal });
  if ('repository' in answer) {
    const { owner, name } = answer.repository;
    if (`${owner}/${name}` !== githubRepo) context.io.note(`GitHub calls "${githubRepo}" "${owner}/${name}".`);
    return answer.repository;
  }
  const hint = 'write them as `--github-repo=OWNER@ID/NAME@ID`';
  if (subjectForm === 'ids') {
    throw new CliError('api', `The ids of "${githubRepo}" are not known: ${answer.reason}`, {
      code: 'github.no-ids',
      hint,
    });
  }
  context.io.warn(
    `the ids of "${githubRepo}" are not known (${answer.reason}), so the identity accepts no token with ids in its subject ("acme@123/app@456"), which GitHub writes for repositories made, renamed or transferred since 2026-07-15, and one of whoever takes the name later; ${hint}`,
  );
  return githubRepo;
}

export default defineCommand({
  path: ['iam', 'identities', 'create', 'github'],
  summary: 'Create an identity for a GitHub Actions workflow.',
  description:
    'Repository and reference are taken literally unless they hold one of * + ? ( ) [ ] { } | ^ $ \\, which makes them regular expressions (RE2).\nGitHub writes ids into the subject of tokens of newer repositories ("acme@123/app@456"). The ids of one repository are asked of GitHub (of CHAINCTL_GITHUB_API when that is set, with GH_TOKEN for private ones), and the identity then accepts exactly that repository, whatever it or another is called later.',
  inputs: {
    name: creation.name,
    githubRepo: {
      kind: named('OWNER/NAME'),
      required: true,
      help: 'Repository whose workflows may assume the identity.',
      question: 'Which repository (owner/name)?',
    },
    githubRef: {
      kind: named('REF'),
      help: 'Reference the workflow must run for, such as "refs/heads/main"; every workflow of the repository when left out.',
    },
    githubAudience: {
      kind: string,
      help: 'Audience of the tokens. Defaults to the address of the token issuer.',
    },
    subjectForm: {
      kind: choice(...subjectForms),
      // No default: beside a pattern only its presence is wrong.
      help: 'Which subjects of one repository to accept: with its names, with its ids, or both. Defaults to both.',
    },
    ...creation.place,
  },
  validate: async ({ githubRepo, githubRef, subjectForm }, context) => {
    const problems = githubProblems(githubRepo, githubRef);
    if (subjectForm !== undefined && githubRepo !== undefined && isPattern(githubRepo)) {
      problems.push('`--subject-form` is for one repository; a pattern of `--github-repo` says itself what it accepts');
    }
    for (const [name, text] of [
      ['`--github-repo`', githubRepo],
      ['`--github-ref`', githubRef],
    ] as const) {
      // What is rarely meant is told below, for both together.
      if (text !== undefined && isPattern(text)) await checkPattern(name, text, problems, []);
    }
    if (problems.length === 0 && githubRepo !== undefined) {
      for (const warning of githubWarnings(githubRepo, githubRef)) context.io.warn(warning);
    }
    return problems;
  },
  examples: [
    {
      text: 'The main branch of one repository may pull images',
      args: 'my-app --github-repo=acme/app --github-ref=refs/heads/main --role=registry.pull',
    },
    { text: 'Any workflow of a repository', args: 'my-app --github-repo=acme/app --parent=example.com' },
    {
      text: 'Without asking GitHub for the ids',
      args: 'my-app --github-repo=acme@123/app@456 --subject-form=ids --parent=example.com',
    },
    {
      text: 'Two branches of all repositories of an owner',
      args: `releases --github-repo='acme(@[0-9]+)?/.*' --github-ref='refs/heads/(main|stable)' --role=registry.pull`,
    },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: async (input, context) => {
    const identity = await identityOf(context, input);
    const question = await creationQuestion(context, { ...input, identity });
    // Somebody who is there shall not walk past a rule that may not be the wanted one.
    const isCertain = isPattern(input.githubRepo) || identity.claimMatch?.claims !== undefined;
    return isCertain || !context.io.interactive ? question : { ...question, default: false };
  },
  run: async (context, input) => createIdentity(context, { ...input, identity: await identityOf(context, input) }),
  afterwards: async (context, made) => tellGithub(context, made),
});
