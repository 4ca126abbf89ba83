import { isPattern } from '../../../../api/claim-patterns.ts';
import { type GithubRepository, githubRule, githubWarnings, type SubjectForm } from '../../../../api/github-rules.ts';
import type { IamIdentity } from '../../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { defineCommand } from '../../../../cli/define.ts';
import { remembered } from '../../../../cli/remembered.ts';
import { tellGithub } from '../ci-lines.ts';
import { createIdentity, creationQuestion } from '../create-identity.ts';
import { githubFlagProblems, githubInputs, repositoryOf } from '../github-repository.ts';
import { creation } from '../naming.ts';
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

export default defineCommand({
  path: ['iam', 'identities', 'create', 'github'],
  summary: 'Create an identity for a GitHub Actions workflow.',
  description:
    'Repository and reference are taken literally unless they hold one of * + ? ( ) [ ] { } | ^ $ \\, which makes them regular expressions (RE2).\nGitHub writes ids into the subject of tokens of newer repositories ("acme@123/app@456"). The ids of one repository are asked of GitHub (of CHAINCTL_GITHUB_API when that is set, with GH_TOKEN for private ones), and the identity then accepts exactly that repository, whatever it or another is called later.',
  inputs: {
    name: creation.name,
    ...githubInputs,
    githubRepo: {
      ...githubInputs.githubRepo,
      required: true,
      question: 'Which repository (owner/name)?',
    },
    ...creation.place,
  },
  validate: async ({ githubRepo, githubRef, subjectForm }, context) => {
    const problems = await githubFlagProblems({ githubRepo, githubRef, subjectForm });
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
  afterRender: async (context, made) => tellGithub(context, made),
});
