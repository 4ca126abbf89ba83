// Tokens as third parties would sign them, made with keys that this platform keeps for their URLs. Promises: needs the
// store and nothing else, so another process can mint while the platform runs or when it does not.

import { createHash } from 'node:crypto';
import { CliError } from '../../errors.ts';
import { developerIssuer, people, subjectOfEmail } from '../seed/people.ts';
import type { Store } from '../store/database.ts';
import { signJwt } from './jwt.ts';
import { signingKey } from './keys.ts';

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
  /** `owner/name`, either part with an `@id` when the subject shall carry ids (protocols 8.1). */
  readonly repo: string;
  /** e.g. `refs/heads/main`, `refs/tags/v1` or `refs/pull/7/merge`. */
  readonly ref: string;
  readonly environment?: string | undefined;
  readonly workflow?: string | undefined;
  readonly actor?: string | undefined;
  readonly event?: string | undefined;
}

/** What GitHub Actions signs for a workflow run. */
export function githubToken(run: GithubWorkflow): ThirdPartyClaims {
  const [owner = '', name = '', ...rest] = run.repo.split('/');
  if (owner === '' || name === '' || rest.length > 0)
    throw wrong(`"${run.repo}" is not a GitHub repository: owner/name`);
  const ref = githubRef(run.ref);
  const [ownerName = '', ownerId = stableNumber(`github owner ${owner}`)] = owner.split('@');
  const [repoName = '', repoId = stableNumber(`github repository ${run.repo}`)] = name.split('@');
  const actor = run.actor ?? 'octocat';
  const event = run.event ?? (ref.type === 'pull' ? 'pull_request' : 'push');
  const repository = `${ownerName}/${repoName}`;
  const workflowRef = `${repository}/.github/workflows/ci.yaml@${ref.full}`;
  const sha = stableHex(`github commit ${repository} ${ref.full}`, 40);
  const context =
    run.environment !== undefined
      ? `environment:${run.environment}`
      : event === 'pull_request'
        ? 'pull_request'
        : `ref:${ref.full}`;
  return {
    issuer: githubIssuer,
    subject: `repo:${run.repo}:${context}`,
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

export interface GitlabJob {
  /** `group/project`, with subgroups between them if there are any. */
  readonly projectPath: string;
  /** Branch or tag name. */
  readonly ref: string;
  readonly refType: 'branch' | 'tag';
}

/** What GitLab signs for a job that asks for an ID token. */
export function gitlabToken(job: GitlabJob): ThirdPartyClaims {
  const parts = job.projectPath.split('/');
  if (parts.length < 2 || parts.includes(''))
    throw wrong(`"${job.projectPath}" is not a GitLab project: group/project`);
  const { ref, refType, projectPath } = job;
  const namespace = parts.slice(0, -1).join('/');
  const refPath = refType === 'tag' ? `refs/tags/${ref}` : `refs/heads/${ref}`;
  const configRef = `gitlab.com/${projectPath}//.gitlab-ci.yml@${refPath}`;
  const sha = stableHex(`gitlab commit ${projectPath} ${refPath}`, 40);
  return {
    issuer: gitlabIssuer,
    subject: `project_path:${projectPath}:ref_type:${refType}:ref:${ref}`,
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
  const kind = /^refs\/(heads|tags|pull)\/[^\s]+$/.exec(ref)?.[1];
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
