// Tokens as third parties would sign them, made with keys that this platform keeps for their URLs. Guarantees: needs the
// store and nothing else, so another process can mint while the platform runs or when it does not.

import { createHash } from 'node:crypto';
import { CliError } from '../../errors.ts';
import { developerIssuer, people, subjectOfEmail } from '../iam/people.ts';
import { signJwt } from '../keys/jwt.ts';
import { signingKey } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';

export interface ThirdPartyToken {
  /** URL of the issuer; never one of the platform's own. */
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string | readonly string[];
  /** Further claims. They cannot replace iss, sub, aud, iat, nbf and exp. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Defaults to one hour. */
  readonly ttlSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a token says besides its audience and its times. */
export type ThirdPartyClaims = Pick<ThirdPartyToken, 'issuer' | 'subject'> & {
  readonly claims: Readonly<Record<string, unknown>>;
  /** Claims that something else says too, each with the flag that sets both: they cannot be given on their own. */
  readonly settled?: Readonly<Record<string, string>>;
};

export const githubIssuer = 'https://token.actions.githubusercontent.com';
export const gitlabIssuer = 'https://gitlab.com';

/** A signed ID token. Makes the simulated issuer's key on first use. Throws a usage CliError for what no issuer signs. */
export async function mintThirdPartyToken(store: Store, token: ThirdPartyToken): Promise<string> {
  const { issuer, subject, audience, claims = {}, ttlSeconds = 3600, now } = token;
  // Also keeps the platform's own key, which is filed under a word, out of reach.
  if (!isIssuerUrl(issuer)) throw wrong(`"${issuer}" is not an issuer: give an https or http URL`);
  if (subject === '') throw wrong('the subject of a token is not empty');
  if (!Number.isSafeInteger(ttlSeconds)) throw wrong('the life of a token is a whole number of seconds');
  const issuedAt = Math.floor(now / 1000);
  const key = await signingKey(store, issuer);
  const id = store.read((tx) => tx.randomBytes(16));
  return signJwt(key, {
    jti: Buffer.from(id).toString('hex'),
    ...claims,
    iss: issuer,
    sub: subject,
    aud: typeof audience === 'string' ? audience : [...audience],
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + ttlSeconds,
  });
}

export interface GithubWorkflow {
  /** `owner/name`, or `owner@id/name@id` where the ids matter; those that the simulated GitHub gives unless said. */
  readonly repo: string;
  /** Whether the subject has ids beside the names, as in repositories made since 2026-07-15; as `repo` is written unless said. */
  readonly form?: 'names' | 'ids' | undefined;
  /** e.g. `refs/heads/main`, `refs/tags/v1` or `refs/pull/7/merge`. */
  readonly ref: string;
  readonly environment?: string | undefined;
  readonly workflow?: string | undefined;
  readonly actor?: string | undefined;
  readonly event?: string | undefined;
}

/** Returns the ids that the simulated GitHub gives to an owner and a repository, whatever their letters' case. */
export function githubIds(owner: string, name: string): { readonly owner: string; readonly repository: string } {
  return {
    owner: stableNumber(`github owner ${owner.toLowerCase()}`),
    repository: stableNumber(`github repository ${owner.toLowerCase()}/${name.toLowerCase()}`),
  };
}

/** Returns what GitHub Actions signs for a workflow run. */
export function githubToken(run: GithubWorkflow): ThirdPartyClaims {
  const [, ownerName, givenOwnerId, repoName, givenRepoId] =
    /^([^\s/:@]+)(?:@(\d+))?\/([^\s/:@]+)(?:@(\d+))?$/.exec(run.repo) ?? [];
  if (ownerName === undefined || repoName === undefined) {
    throw wrong(`"${run.repo}" is not a GitHub repository: owner/name`);
  }
  const ref = githubRef(run.ref);
  const known = githubIds(ownerName, repoName);
  const ownerId = givenOwnerId ?? known.owner;
  const repoId = givenRepoId ?? known.repository;
  const actor = run.actor ?? 'octocat';
  const event = run.event ?? (ref.type === 'pull' ? 'pull_request' : 'push');
  const repository = `${ownerName}/${repoName}`;
  const workflowRef = `${repository}/.github/workflows/ci.yaml@${ref.full}`;
  const sha = stableHex(`github commit ${repository} ${ref.full}`, 40);
  const context =
    run.environment !== undefined
      ? `environment:${inSubject(run.environment)}`
      : event === 'pull_request'
        ? 'pull_request'
        : `ref:${inSubject(ref.full)}`;
  const form = run.form ?? (givenRepoId === undefined ? 'names' : 'ids');
  const subject = form === 'names' ? repository : `${ownerName}@${ownerId}/${repoName}@${repoId}`;
  return {
    issuer: githubIssuer,
    subject: `repo:${subject}:${context}`,
    settled: {
      ...Object.fromEntries(ofRepository.map((claim) => [claim, '--repo'])),
      ...Object.fromEntries(ofReference.map((claim) => [claim, '--ref'])),
      environment: '--environment',
      event_name: '--event',
    },
    claims: {
      actor,
      actor_id: stableNumber(`github user ${actor}`),
      base_ref: event === 'pull_request' ? 'main' : '',
      ...(run.environment === undefined ? {} : { environment: run.environment }),
      event_name: event,
      head_ref: event === 'pull_request' ? 'change' : '',
      job_workflow_ref: workflowRef,
      job_workflow_sha: sha,
      ref: ref.full,
      ref_protected: ref.full === 'refs/heads/main' ? 'true' : 'false',
      ref_type: ref.type === 'tag' ? 'tag' : 'branch',
      repository,
      repository_id: repoId,
      repository_owner: ownerName,
      repository_owner_id: ownerId,
      repository_visibility: 'private',
      run_attempt: '1',
      run_id: stableNumber(`github run ${repository} ${ref.full}`),
      run_number: '1',
      runner_environment: 'github-hosted',
      sha,
      workflow: run.workflow ?? 'ci',
      workflow_ref: workflowRef,
      workflow_sha: sha,
    },
  };
}

const ofRepository = ['repository', 'repository_id', 'repository_owner', 'repository_owner_id'];
const ofReference = ['ref', 'ref_type'];

/** GitHub writes a colon inside a value of the subject so ("OpenID Connect", "Filtering for metadata containing :"). */
const inSubject = (value: string) => value.replaceAll(':', '%3A');

export interface GitlabJob {
  /** `group/project`, with subgroups between them if there are any. */
  readonly projectPath: string;
  /** Branch or tag name. */
  readonly ref: string;
  readonly refType: 'branch' | 'tag';
}

/** Returns what GitLab signs for a job that asks for an ID token. */
export function gitlabToken(job: GitlabJob): ThirdPartyClaims {
  const parts = job.projectPath.split('/');
  if (parts.length < 2 || parts.includes('') || /[\s:]/.test(job.projectPath)) {
    throw wrong(`"${job.projectPath}" is not a GitLab project: group/project`);
  }
  // Git has no such names, so no subject has them.
  if (/[\s:]/.test(job.ref) || job.ref === '') throw wrong(`"${job.ref}" is not the name of a branch or tag`);
  const { ref, refType, projectPath } = job;
  const namespace = parts.slice(0, -1).join('/');
  const refPath = refType === 'tag' ? `refs/tags/${ref}` : `refs/heads/${ref}`;
  const configRef = `gitlab.com/${projectPath}//.gitlab-ci.yml@${refPath}`;
  const sha = stableHex(`gitlab commit ${projectPath} ${refPath}`, 40);
  return {
    issuer: gitlabIssuer,
    subject: `project_path:${projectPath}:ref_type:${refType}:ref:${ref}`,
    settled: {
      namespace_path: '--project-path',
      project_path: '--project-path',
      ref: '--ref',
      ref_path: '--ref',
      ref_type: '--ref-type',
    },
    claims: {
      ci_config_ref_uri: configRef,
      ci_config_sha: sha,
      job_id: stableNumber(`gitlab job ${projectPath} ${refPath}`),
      namespace_id: stableNumber(`gitlab namespace ${namespace}`),
      namespace_path: namespace,
      pipeline_id: stableNumber(`gitlab pipeline ${projectPath} ${refPath}`),
      pipeline_source: 'push',
      project_id: stableNumber(`gitlab project ${projectPath}`),
      project_path: projectPath,
      project_visibility: 'private',
      ref,
      ref_path: refPath,
      ref_protected: ref === 'main' ? 'true' : 'false',
      ref_type: refType,
      runner_environment: 'gitlab-hosted',
      sha,
      user_email: 'ci@example.com',
      user_id: stableNumber('gitlab user ci'),
      user_login: 'ci',
    },
  };
}

/** What the platform's own sign-in would sign for a person. The address is taken in lower case. */
export function developerToken(email: string): ThirdPartyClaims {
  const address = toEmailAddress(email);
  if (address === undefined) throw wrong(`"${email}" is not an e-mail address`);
  const person = people.find((known) => known.email === address);
  return {
    issuer: developerIssuer,
    subject: person?.subject ?? subjectOfEmail(address),
    settled: { email: '--email' },
    claims: { email: address, email_verified: true, name: person?.name ?? address },
  };
}

/** The address in lower case, or undefined when it is none. */
export function toEmailAddress(text: string): string | undefined {
  const address = text.trim().toLowerCase();
  return address.length <= 254 && /^[^\s@"<>\p{Cc}\p{Cf}]+@[^\s@"<>\p{Cc}\p{Cf}]+$/u.test(address)
    ? address
    : undefined;
}

/** An absolute http or https URL that can be an issuer: no query, no fragment, no user (protocols 3.7). */
export function isIssuerUrl(text: string): boolean {
  if (text.length > 255 || !URL.canParse(text)) return false;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb && url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}

function githubRef(ref: string): { full: string; type: 'branch' | 'tag' | 'pull' } {
  const kind = /^refs\/(heads|tags|pull)\/[^\s:]+$/.exec(ref)?.[1];
  if (kind === 'heads') return { full: ref, type: 'branch' };
  if (kind === 'tags') return { full: ref, type: 'tag' };
  if (kind === 'pull') return { full: ref, type: 'pull' };
  throw wrong(
    `"${ref}" is not a full Git reference`,
    `Write refs/heads/${ref} for a branch or refs/tags/${ref} for a tag.`,
  );
}

/** Ids that third parties number things by: the same for the same thing, in every run. */
function stableNumber(of: string): string {
  return String(100_000 + (Number.parseInt(stableHex(of, 10), 16) % 900_000_000));
}

function stableHex(of: string, length: number): string {
  return createHash('sha256').update(of).digest('hex').slice(0, length);
}

function wrong(message: string, hint?: string): CliError {
  return new CliError('usage', message, hint === undefined ? {} : { hint });
}
