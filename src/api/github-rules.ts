// Builds the rule of an identity for a GitHub Actions workflow (protocols 8.1, 8.2 and Q13; GitHub's reference "OpenID
// Connect"). Guarantees: pure; a value is taken literally unless it is written as a pattern.

import { asPattern, innerAnchorProblem, isPattern, operators, patternWarning } from './claim-patterns.ts';
import { githubIssuer } from './identity-rules.ts';
import type { IamIdentityClaimMatch } from './schema/types/iam.gen.ts';

/** Subjects that a rule accepts: those with names alone, those with ids beside the names, or both. */
export const subjectForms = ['names', 'ids', 'both'] as const;

export type SubjectForm = (typeof subjectForms)[number];

/** One repository as GitHub knows it. Ids are decimal digits; they stay when names change hands. */
export interface GithubRepository {
  readonly owner: string;
  readonly ownerId: string;
  readonly name: string;
  readonly id: string;
}

export interface GithubWorkflows {
  /** The repository with its ids; or `owner/name`, with or without `@id` after both parts; or a pattern of that. */
  readonly repo: GithubRepository | string;
  /** Counts only where the ids are known; `both` unless said otherwise. */
  readonly form?: SubjectForm | undefined;
  /** A full reference such as `refs/heads/main`, or a pattern; any workflow of the repository when left out. */
  readonly ref?: string | undefined;
  readonly audience?: string | undefined;
}

/**
 * Returns what the identity of these workflows expects (Q13). Where the ids are known the claims `repository_id` and
 * `repository_owner_id` are literal, so nobody who takes the names later gets in.
 */
export function githubRule({ repo, form = 'both', ref, audience }: GithubWorkflows): IamIdentityClaimMatch {
  const known = typeof repo === 'string' ? repositoryIn(repo) : repo;
  const subjects = known === undefined ? [String(repo)] : subjectsOf(known, form);
  return {
    issuer: githubIssuer,
    ...githubSubject(subjects, ref),
    ...(audience === undefined ? {} : { audience }),
    ...(known === undefined ? {} : { claims: { repository_id: known.id, repository_owner_id: known.ownerId } }),
  };
}

/** Returns what a rule was made from; undefined for one that is not of `githubRule`. */
export function githubWorkflowsOf(rule: IamIdentityClaimMatch): GithubWorkflows | undefined {
  if (rule.issuer !== githubIssuer) return undefined;
  const literal = /^repo:([^:]+):ref:(.+)$/.exec(rule.subject ?? '');
  const pattern = /^\^repo:\(\?:(.+)\):(?:\.\*|ref:\(\?:(.*)\))\$$/.exec(rule.subjectPattern ?? '');
  const repos = literal?.[1] ?? pattern?.[1];
  if (repos === undefined) return undefined;
  const ref = literal?.[2] ?? (pattern?.[2] === undefined ? undefined : plainly(pattern[2]));
  const audience = rule.audience === undefined ? {} : { audience: rule.audience };
  const known = knownRepository(repos.split('|').map(plainly), rule.claims);
  return { ...(known ?? { repo: plainly(repos) }), ref, ...audience };
}

/** A pattern that stands for one text, as that text. */
function plainly(pattern: string): string {
  const text = pattern.replace(/\\([^a-zA-Z0-9])/g, '$1');
  return asPattern(text) === pattern ? text : pattern;
}

/** The repository whose ids the claims hold, and how its subjects are written. */
function knownRepository(
  subjects: readonly string[],
  claims: IamIdentityClaimMatch['claims'],
): { readonly repo: GithubRepository; readonly form: SubjectForm } | undefined {
  const { repository_id: id, repository_owner_id: ownerId } = claims ?? {};
  const [owner, name] = subjects[0]?.replaceAll(/@\d+/g, '').split('/') ?? [];
  if (id === undefined || ownerId === undefined || owner === undefined || name === undefined) return undefined;
  const repo = { owner, ownerId, name, id };
  const form = subjectForms.find((each) => subjectsOf(repo, each).join('|') === subjects.join('|'));
  return form === undefined ? undefined : { repo, form };
}

/** Returns the repository that `OWNER@ID/NAME@ID` says, and undefined for everything else. */
export function repositoryIn(text: string): GithubRepository | undefined {
  const [, owner, ownerId, name, id] = /^([^\s/:@]+)@(\d+)\/([^\s/:@]+)@(\d+)$/.exec(text) ?? [];
  if (owner === undefined || ownerId === undefined || name === undefined || id === undefined) return undefined;
  return isPattern(text) ? undefined : { owner, ownerId, name, id };
}

function subjectsOf({ owner, ownerId, name, id }: GithubRepository, form: SubjectForm): string[] {
  const names = `${owner}/${name}`;
  const ids = `${owner}@${ownerId}/${name}@${id}`;
  return { names: [names], ids: [ids], both: [names, ids] }[form];
}

function githubSubject(repos: readonly string[], ref: string | undefined): IamIdentityClaimMatch {
  const [only] = repos;
  if (ref !== undefined && repos.length === 1 && only !== undefined && !isPattern(only) && !isPattern(ref)) {
    return { subject: `repo:${only}:ref:${ref}` };
  }
  const oneOf = repos.map(asPattern).join('|');
  const rest = ref === undefined ? '.*' : `ref:(?:${asPattern(ref)})`;
  return { subjectPattern: `^repo:(?:${oneOf}):${rest}$` };
}

/** Returns what can never match, as sentences that name the flag. */
export function githubProblems(repo: string | undefined, ref: string | undefined): string[] {
  const problems: string[] = [];
  if (repo !== undefined && !isPattern(repo) && !/^[^\s/:@]+\/[^\s/:@]+$/.test(repo) && !repositoryIn(repo)) {
    const expected = repo.includes('@') ? 'OWNER/NAME or OWNER@ID/NAME@ID' : 'OWNER/NAME';
    problems.push(`\`--github-repo\` must be ${expected}, not "${repo}"`);
  }
  if (ref !== undefined && !isPattern(ref) && !/^refs\/\S+$/.test(ref)) {
    const hint = ref === '' ? 'leave it out for every branch and tag' : `"refs/heads/${ref}" is the branch`;
    problems.push(`\`--github-ref\` must be a full reference, not "${ref}"; ${hint}`);
  }
  return [...problems, ...innerAnchorProblem('`--github-repo`', repo), ...innerAnchorProblem('`--github-ref`', ref)];
}

/** Returns what is allowed but rarely meant, as sentences that name the flag. */
export function githubWarnings(repo: string, ref: string | undefined): string[] {
  const warnings = [patternWarning('`--github-repo`', repo)];
  if (ref !== undefined) warnings.push(githubRefWarning(ref));
  if (/^[\^(?:]*\.[*+]/.test(repo)) {
    warnings.push('`--github-repo` leaves the owner open, so repositories of strangers can assume the identity');
  }
  const [owner = ''] = repo.split('/');
  // A wildcard for the owner takes the ids along.
  if (isPattern(repo) && /^\^?[\w-]+$/.test(owner)) {
    const name = owner.replace('^', '');
    warnings.push(
      `\`--github-repo\` accepts no repository with ids in its subject ("${name}@123/app@456"), which GitHub writes for newer ones; write "${name}(@[0-9]+)?/…"`,
    );
  }
  return warnings.filter((warning) => warning !== undefined);
}

function githubRefWarning(ref: string): string | undefined {
  const alternatives = topLevelAlternatives(ref);
  const bare = alternatives.slice(1).find((each) => /^[\w./-]+$/.test(each) && !each.startsWith('refs/'));
  const parent = /^\^?(refs\/(?:heads|tags)\/)[^|]*$/.exec(alternatives[0] ?? '')?.[1];
  if (bare === undefined || parent === undefined) return patternWarning('`--github-ref`', ref);
  const words = alternatives.map((each) => each.replace(/^\^/, '').replace(parent, '').replace(/\$$/, ''));
  return `\`--github-ref\` accepts "${bare}" only as a whole reference, which no branch has; write "${parent}(${words.join('|')})"`;
}

function topLevelAlternatives(pattern: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const { char, at, depth } of operators(pattern)) {
    if (char !== '|' || depth > 0) continue;
    parts.push(pattern.slice(start, at));
    start = at + 1;
  }
  return [...parts, pattern.slice(start)];
}
