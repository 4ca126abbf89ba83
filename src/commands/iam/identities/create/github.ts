import { githubProblems, githubRule, githubWarnings, isPattern } from '../../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../../api/schema/types.gen.ts';
import { defineCommand } from '../../../../cli/define.ts';
import { named, string } from '../../../../cli/inputs/values.ts';
import { createIdentity, creationQuestion } from '../create-identity.ts';
import { creation } from '../naming.ts';
import { checkPattern } from '../rule-flags.ts';
import { identityView } from '../view.ts';

interface GithubInput {
  readonly name: string;
  readonly githubRepo: string;
  readonly githubRef: string | undefined;
  readonly githubAudience: string | undefined;
  readonly description: string | undefined;
}

const toIdentity = (input: GithubInput): IamIdentity => ({
  name: input.name,
  ...(input.description === undefined ? {} : { description: input.description }),
  claimMatch: githubRule({ repo: input.githubRepo, ref: input.githubRef, audience: input.githubAudience }),
});

export default defineCommand({
  path: ['iam', 'identities', 'create', 'github'],
  summary: 'Create an identity for a GitHub Actions workflow.',
  description:
    'Repository and reference are taken literally unless they hold one of * + ? ( ) [ ] { } | ^ $ \\, which makes them regular expressions (RE2).\nGitHub names newer repositories with ids in the subject of their tokens, as in "acme@123/app@456"; write them in --github-repo then.',
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
      help: 'Audience of the tokens; the address of the token issuer unless said otherwise.',
    },
    ...creation.place,
  },
  validate: async ({ githubRepo, githubRef }, context) => {
    const problems = githubProblems(githubRepo, githubRef);
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
      text: 'Two branches of all repositories of an owner',
      args: `releases --github-repo='acme/.*' --github-ref='refs/heads/(main|stable)' --role=registry.pull`,
    },
  ],
  view: identityView,
  formats: ['table', 'json', 'id'],
  confirm: (input) => creationQuestion({ ...input, identity: toIdentity(input) }),
  run: async (context, input) => {
    const made = await createIdentity(context, { ...input, identity: toIdentity(input) });
    if (!isPattern(input.githubRepo) && !input.githubRepo.includes('@')) {
      context.io.note(
        `Newer repositories have ids in their tokens ("acme@123/app@456"); if GitHub's tokens for "${input.githubRepo}" do, create the identity with them.`,
      );
    }
    return made;
  },
});
