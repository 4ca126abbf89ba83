import { isPattern } from '../../../api/claim-patterns.ts';
import {
  type GithubRepository,
  githubProblems,
  repositoryIn,
  type SubjectForm,
  subjectForms,
} from '../../../api/github-rules.ts';
import type { Context } from '../../../cli/context.ts';
import type { Inputs } from '../../../cli/define.ts';
import { choice, named, string } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { checkPattern } from './rule-flags.ts';

/** How workflows of GitHub Actions are said, by the commands that create an identity for them and that change it. */
export const githubInputs = {
  githubRepo: {
    kind: named('OWNER/NAME'),
    help: 'Repository whose workflows may assume the identity.',
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
} as const satisfies Inputs;

interface GithubFlags {
  readonly githubRepo?: string | undefined;
  readonly githubRef?: string | undefined;
  readonly subjectForm?: SubjectForm | undefined;
}

/** Returns what is wrong with the flags, as sentences that name them. */
export async function githubFlagProblems({ githubRepo, githubRef, subjectForm }: GithubFlags): Promise<string[]> {
  const problems = githubProblems(githubRepo, githubRef);
  if (subjectForm !== undefined && githubRepo !== undefined && isPattern(githubRepo)) {
    problems.push('`--subject-form` is for one repository; a pattern of `--github-repo` says itself what it accepts');
  }
  for (const [name, text] of [
    ['`--github-repo`', githubRepo],
    ['`--github-ref`', githubRef],
  ] as const) {
    // Warnings are left out here; they are given for both flags together.
    if (text !== undefined && isPattern(text)) await checkPattern(name, text, problems, []);
  }
  return problems;
}

/**
 * The repository with its ids where they can be known, which is asked of GitHub; what cannot is said once. Throws when
 * the ids are what was wanted.
 */
export async function repositoryOf(
  context: Context,
  { githubRepo, subjectForm }: { readonly githubRepo: string; readonly subjectForm: SubjectForm | undefined },
): Promise<GithubRepository | string> {
  if (isPattern(githubRepo)) return githubRepo;
  const known = repositoryIn(githubRepo);
  if (known !== undefined) return known;
  const { askGithub } = await import('../../../api/github.ts');
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
