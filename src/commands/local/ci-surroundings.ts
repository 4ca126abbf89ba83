// Builds the environment of a CI job: variables, files and the endpoint that hands out its identity token. Guarantees:
// the endpoint is on loopback and wants the secret it has given; `end` takes everything away.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import {
  buildkiteToken,
  circleciToken,
  clusterIssuer,
  fullRef,
  githubToken,
  gitlabToken,
  kubernetesToken,
  type ThirdPartyClaims,
} from '../../trust/ci-claims.ts';
import { mintIn } from './mint.ts';

export const ciSystems = ['github', 'gitlab', 'buildkite', 'circleci', 'kubernetes'] as const;

/** A job as it is written: `github:acme/app@main`. */
export interface Job {
  readonly system: (typeof ciSystems)[number];
  readonly who: string;
  /** Full. */
  readonly ref: string;
}

/** Throws an Error that completes "`--as` …". */
export function parseJob(text: string): Job {
  const [, word, rest = ''] = /^([a-z]+):(.+)$/s.exec(text) ?? [];
  const system = ciSystems.find((one) => one === word);
  if (system === undefined) {
    throw new Error(`must be one of ${ciSystems.join(', ')} and what runs there, such as "github:acme/app@main"`);
  }
  // The ids of a GitHub repository stand behind an `@` as well.
  const [, who = rest, ref = 'main'] = /^(.+)@((?!\d+(?:\/|$))[^@]+)$/s.exec(rest) ?? [];
  return { system, who, ref: fullRef(ref) };
}

export interface Surroundings {
  /** Undefined takes a variable of this machine out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  end(): Promise<void>;
}

export interface JobOptions {
  readonly environment: string | undefined;
  readonly event: string | undefined;
  readonly clusterIssuer: string | undefined;
  /** Audience of a token that is there from the start; the address of the platform's issuer unless said otherwise. */
  readonly tokenAudience: string | undefined;
  /** Of the platform. */
  readonly folder: string;
}

export async function surroundings(context: Context, job: Job, options: JobOptions): Promise<Surroundings> {
  const { folder, tokenAudience } = options;
  const claims = claimsOf(job, options);
  const asked = tokenAudience === undefined ? [] : [tokenAudience];
  const mint = (audience: readonly string[]) => mintIn(context, folder, claims, { audience });
  // Before anything is made: a job that no system has is refused.
  const ready = await mint(asked.length === 0 && job.system === 'circleci' ? [organizationOf(claims)] : asked);
  const temporary = mkdtempSync(join(tmpdir(), 'chainctl-run-'));
  const ends: (() => Promise<void> | void)[] = [() => rmSync(temporary, { recursive: true, force: true })];
  const parts: Parts = { context, job, claims, options, temporary, ready, mint };
  const env = { ...fresh(temporary), ...(await makers[job.system](parts, ends)) };
  return {
    env,
    async end() {
      for (const one of ends.reverse()) await one();
    },
  };
}

interface Parts {
  readonly context: Context;
  readonly job: Job;
  readonly claims: ThirdPartyClaims;
  readonly options: JobOptions;
  readonly temporary: string;
  /** A token that is good from the start. */
  readonly ready: string;
  mint(audience: readonly string[]): Promise<string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A runner is a machine of its own: what a job signs in to there is not this person's login. */
function fresh(temporary: string): Environment {
  const folder = (name: string) => {
    mkdirSync(join(temporary, name), { mode: 0o700 });
    return join(temporary, name);
  };
  // One CI system may stand in for another; the job must not find both.
  const others = [
    'GITHUB_ACTIONS',
    'ACTIONS_ID_TOKEN_REQUEST_URL',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'GITLAB_CI',
    'BUILDKITE',
  ];
  const none = Object.fromEntries([...others, 'CIRCLECI', 'CIRCLE_OIDC_TOKEN'].map((name) => [name, undefined]));
  return {
    ...none,
    CI: 'true',
    XDG_CACHE_HOME: folder('cache'),
    DOCKER_CONFIG: folder('docker'),
    RUNNER_TEMP: folder('temp'),
  };
}

function claimsOf({ system, who, ref }: Job, options: JobOptions): ThirdPartyClaims {
  switch (system) {
    case 'github':
      return githubToken({ repo: who, ref, environment: options.environment, event: options.event, form: 'ids' });
    case 'gitlab': {
      const [, tag] = /^refs\/tags\/(.*)$/s.exec(ref) ?? [];
      const name = tag ?? ref.replace(/^refs\/heads\//, '');
      return gitlabToken({ projectPath: who, ref: name, refType: tag === undefined ? 'branch' : 'tag' });
    }
    case 'buildkite':
      return buildkiteToken({ pipeline: who, ref });
    case 'circleci':
      return circleciToken({ project: who, ref });
    case 'kubernetes':
      return kubernetesToken({ serviceAccount: who, issuer: options.clusterIssuer ?? clusterIssuer });
  }
}

const organizationOf = ({ issuer }: ThirdPartyClaims) => issuer.slice(issuer.lastIndexOf('/') + 1);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const shortRef = (ref: string) => ref.replace(/^refs\/(heads|tags)\//, '');

type Maker = (parts: Parts, ends: (() => Promise<void> | void)[]) => Promise<Environment> | Environment;

const makers: Readonly<Record<Job['system'], Maker>> = {
  async github({ context, claims: { claims }, job, temporary, mint }, ends) {
    const secret = Buffer.from(context.host.randomBytes(24)).toString('base64url');
    const repository = text(claims['repository']);
    const server = await serveTokens(secret, (audience) =>
      mint([audience ?? `https://github.com/${text(claims['repository_owner'])}`]),
    );
    ends.push(server.end);
    const files = Object.fromEntries(
      ['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY'].map((name) => {
        const path = join(temporary, name.toLowerCase());
        writeFileSync(path, '');
        return [name, path];
      }),
    );
    return {
      ...files,
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${server.url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
      GITHUB_ACTOR: text(claims['actor']),
      GITHUB_EVENT_NAME: text(claims['event_name']),
      GITHUB_REF: job.ref,
      GITHUB_REF_NAME: shortRef(job.ref),
      GITHUB_REF_TYPE: text(claims['ref_type']),
      GITHUB_REPOSITORY: repository,
      GITHUB_REPOSITORY_ID: text(claims['repository_id']),
      GITHUB_REPOSITORY_OWNER: text(claims['repository_owner']),
      GITHUB_REPOSITORY_OWNER_ID: text(claims['repository_owner_id']),
      GITHUB_RUN_ID: text(claims['run_id']),
      GITHUB_RUN_NUMBER: '1',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_SHA: text(claims['sha']),
      GITHUB_WORKFLOW: text(claims['workflow']),
      GITHUB_WORKSPACE: context.host.cwd,
    };
  },

  gitlab: ({ claims: { issuer, claims }, ready }) => ({
    GITLAB_CI: 'true',
    CI_SERVER_URL: issuer,
    CI_PROJECT_PATH: text(claims['project_path']),
    CI_COMMIT_REF_NAME: text(claims['ref']),
    CI_COMMIT_SHA: text(claims['sha']),
    CI_PIPELINE_ID: text(claims['pipeline_id']),
    // As the lines of `identities create gitlab` name it; a job may name it as it likes.
    CHAINGUARD_ID_TOKEN: ready,
  }),

  buildkite({ context, claims: { claims }, job, options, temporary }) {
    const { host } = context;
    if (host.platform === 'win32') {
      throw new CliError('local', 'The agent of Buildkite is a shell script here, which Windows does not run', {
        code: 'local.no-agent',
      });
    }
    const bin = join(temporary, 'bin');
    mkdirSync(bin);
    const words = [
      ...[host.program, 'local', 'token', 'buildkite', '--pipeline', job.who, '--ref', job.ref],
      ...['--data-dir', options.folder],
    ];
    writeFileSync(
      join(bin, 'buildkite-agent'),
      `#!/bin/sh
# Answers "oidc request-token" as the agent of a job does.
if [ "$1 $2" != "oidc request-token" ]; then echo "buildkite-agent: only oidc request-token is simulated" >&2; exit 1; fi
audience=
while [ $# -gt 0 ]; do
  case "$1" in
    --audience) audience=$2; shift ;;
    --audience=*) audience=\${1#--audience=} ;;
  esac
  shift
done
exec ${words.map(shellWord).join(' ')} \${audience:+--audience "$audience"}
`,
    );
    chmodSync(join(bin, 'buildkite-agent'), 0o755);
    return {
      BUILDKITE: 'true',
      BUILDKITE_BRANCH: text(claims['build_branch']),
      BUILDKITE_COMMIT: text(claims['build_commit']),
      BUILDKITE_JOB_ID: text(claims['job_id']),
      BUILDKITE_ORGANIZATION_SLUG: text(claims['organization_slug']),
      BUILDKITE_PIPELINE_SLUG: text(claims['pipeline_slug']),
      PATH: `${bin}:${host.env['PATH'] ?? ''}`,
    };
  },

  circleci: ({ claims: { claims }, job, ready }) => ({
    CIRCLECI: 'true',
    CIRCLE_BRANCH: shortRef(job.ref),
    CIRCLE_OIDC_TOKEN: ready,
    CIRCLE_OIDC_TOKEN_V2: ready,
    CIRCLE_PROJECT_ID: text(claims['oidc.circleci.com/project-id']),
  }),

  kubernetes({ ready, temporary }) {
    const path = join(temporary, 'token');
    writeFileSync(path, ready, { mode: 0o600 });
    // Nothing in a pod says where its token is projected; this is for the words of the command.
    return { CI: undefined, KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '443', TOKEN_FILE: path };
  },
};

/**
 * The address that GitHub's runner gives to a job (GitHub's reference "OpenID Connect", "Methods for requesting the
 * OIDC token").
 */
async function serveTokens(
  secret: string,
  mint: (audience: string | undefined) => Promise<string>,
): Promise<{ readonly url: string; readonly end: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      const json = JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(json);
    };
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    // The scheme's name is any case (RFC 9110, 11.1).
    if (!/^bearer /i.test(request.headers.authorization ?? '') || request.headers.authorization?.slice(7) !== secret) {
      answer(401, { message: 'the token of the request is not the one of this job' });
    } else if (url.pathname !== '/token' || request.method !== 'GET') answer(404, { message: 'Not Found' });
    else {
      mint(url.searchParams.get('audience') ?? undefined).then(
        (value) => answer(200, { count: value.length, value }),
        (error: unknown) => answer(500, { message: error instanceof Error ? error.message : 'unknown reason' }),
      );
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // Listening on TCP, so the address is one.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    end: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
