// Builds the claims that CI systems sign for their jobs (protocols 8.1; GitHub's reference "OpenID Connect", GitLab's
// "ID token authentication", Buildkite's "OIDC with Buildkite", CircleCI's "OpenID Connect tokens", Kubernetes'
// "Configure service accounts"). Guarantees: pure; the same job gives the same claims; throws a usage CliError for what
// no such system has.

import { createHash } from 'node:crypto';
import { githubIssuer, gitlabIssuer } from '../api/identity-rules.ts';
import { CliError } from '../errors.ts';

/** Claims of a token besides its audience and its times. */
export interface ThirdPartyClaims {
  /** URL of the issuer. */
  readonly issuer: string;
  readonly subject: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /**
   * Claims that what was asked for says, each with the flag that does: they cannot be given on their own, and every
   * other claim is made up.
   */
  readonly settled?: Readonly<Record<string, string>>;
}

export interface GithubWorkflow {
  /** `owner/name`, or `owner@id/name@id` where the ids matter; those that the simulated GitHub gives unless said. */
  readonly repo: string;
  /**
   * Whether the subject has ids beside the names, as in repositories made since 2026-07-15; as `repo` is written unless
   * said.
   */
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
  const ref = gitRef(run.ref);
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

export interface BuildkiteJob {
  /** `organization/pipeline`, by their slugs. */
  readonly pipeline: string;
  /** Full reference of a branch or tag. */
  readonly ref: string;
  readonly step?: string | undefined;
  /** Full hash; made up unless given. */
  readonly commit?: string | undefined;
}

export const buildkiteIssuer = 'https://agent.buildkite.com';

/** Returns what Buildkite's agent is given for a job. */
export function buildkiteToken({ pipeline, ref, step = '', commit }: BuildkiteJob): ThirdPartyClaims {
  const [, organization, name] = /^([^\s/:]+)\/([^\s/:]+)$/.exec(pipeline) ?? [];
  if (organization === undefined || name === undefined) {
    throw wrong(`"${pipeline}" is not a Buildkite pipeline: organization/pipeline`);
  }
  const { full, type } = gitRef(ref);
  const short = full.replace(/^refs\/(heads|tags)\//, '');
  const sha = commit ?? stableHex(`buildkite commit ${pipeline} ${full}`, 40);
  return {
    issuer: buildkiteIssuer,
    subject: `organization:${organization}:pipeline:${name}:ref:${full}:commit:${sha}:step:${step}`,
    settled: {
      organization_slug: '--pipeline',
      pipeline_slug: '--pipeline',
      build_branch: '--ref',
      ...(type === 'tag' ? { build_tag: '--ref' } : {}),
    },
    claims: {
      agent_id: stableUuid(`buildkite agent ${pipeline}`),
      build_branch: short,
      build_commit: sha,
      build_number: 1,
      build_source: 'webhook',
      ...(type === 'tag' ? { build_tag: short } : {}),
      job_id: stableUuid(`buildkite job ${pipeline} ${full}`),
      organization_id: stableUuid(`buildkite organization ${organization}`),
      organization_slug: organization,
      pipeline_id: stableUuid(`buildkite pipeline ${pipeline}`),
      pipeline_slug: name,
      runner_environment: 'self-hosted',
      step_key: step,
    },
  };
}

export interface CircleciJob {
  /** `organization/project` or `organization/project/user`, by their ids. */
  readonly project: string;
  /** Full reference of a branch or tag. */
  readonly ref: string;
}

/** Returns what CircleCI signs for a job. Its audience is the organization. */
export function circleciToken({ project, ref }: CircleciJob): ThirdPartyClaims & { readonly organization: string } {
  const uuid = '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}';
  const [, organization, id, givenUser] = new RegExp(`^(${uuid})/(${uuid})(?:/(${uuid}))?$`).exec(project) ?? [];
  if (organization === undefined || id === undefined) {
    throw wrong(
      `"${project}" is not a CircleCI project: ORG_ID/PROJECT_ID`,
      'Both are UUIDs, which the settings of organization and project show.',
    );
  }
  const user = givenUser ?? stableUuid(`circleci user ${project}`);
  return {
    organization,
    issuer: `https://oidc.circleci.com/org/${organization}`,
    subject: `org/${organization}/project/${id}/user/${user}`,
    settled: { 'oidc.circleci.com/project-id': '--project', 'oidc.circleci.com/vcs-ref': '--ref' },
    claims: {
      'oidc.circleci.com/context-ids': [],
      'oidc.circleci.com/project-id': id,
      'oidc.circleci.com/vcs-origin': 'github.com/acme/app',
      'oidc.circleci.com/vcs-ref': gitRef(ref).full,
    },
  };
}

/** Returns whether it is the issuer of a CI system, and so of no cluster. */
export const isCiIssuer = (issuer: string): boolean =>
  [githubIssuer, gitlabIssuer, buildkiteIssuer].includes(issuer) || issuer.startsWith('https://oidc.circleci.com/');

export interface KubernetesPod {
  /** `namespace/name` of the service account. */
  readonly serviceAccount: string;
  /** URL of the cluster's issuer. */
  readonly issuer: string;
}

/** Address that a cluster's own pods use, and that many clusters' tokens name as issuer. */
export const clusterIssuer = 'https://kubernetes.default.svc.cluster.local';

/** Returns what a cluster signs for a pod with a projected service account token. */
export function kubernetesToken({ serviceAccount, issuer }: KubernetesPod): ThirdPartyClaims {
  const label = '[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?';
  const [, namespace, name] = new RegExp(`^(${label})/(${label})$`).exec(serviceAccount) ?? [];
  if (namespace === undefined || name === undefined) {
    throw wrong(`"${serviceAccount}" is not a service account of Kubernetes: NAMESPACE/NAME`);
  }
  return {
    issuer,
    subject: `system:serviceaccount:${namespace}:${name}`,
    settled: { 'kubernetes.io': '--service-account' },
    claims: {
      'kubernetes.io': {
        namespace,
        pod: { name: `${name}-0`, uid: stableUuid(`kubernetes pod ${serviceAccount}`) },
        serviceaccount: { name, uid: stableUuid(`kubernetes service account ${serviceAccount}`) },
      },
    },
  };
}

/** The full reference of what people call a branch: `main` is `refs/heads/main`. */
export const fullRef = (ref: string): string => (ref.startsWith('refs/') ? ref : `refs/heads/${ref}`);

function gitRef(ref: string): { full: string; type: 'branch' | 'tag' | 'pull' } {
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

function stableUuid(of: string): string {
  const hex = stableHex(of, 32);
  // Version 4 and its variant, as random ones have.
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

function wrong(message: string, hint?: string): CliError {
  return new CliError('usage', message, hint === undefined ? {} : { hint });
}
