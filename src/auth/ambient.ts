// Ambient identity tokens: those that a CI job or machine offers (protocols 8.3): GitHub Actions, GitLab, Buildkite,
// CircleCI, Google Cloud, AWS and Azure. Everywhere else the token is a file or a value that a person names.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { send } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { parseJson, textOf } from '../json.ts';
import { audiencesOf, decodeClaims } from './jwt.ts';

export interface TokenRequest {
  /** The issuer that the token is for. */
  readonly audience: string;
  /** UIDP of the identity to assume, if one was named. */
  readonly identity?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AmbientProvider {
  /** Stored in login records. */
  readonly name: string;
  /**
   * False for surroundings that people have on their own machines too: they count only when asked for, or when nobody is
   * there to sign in.
   */
  readonly isJob: boolean;
  /**
   * Fresh identity tokens, the most fitting first; never empty. A further one is only for when the issuer has refused the
   * one before for its audience. Throws kind `auth` when the surroundings refuse.
   */
  tokens(request: TokenRequest): Promise<readonly [string, ...string[]]>;
}

/**
 * Returns what `use` makes of the first token whose audience is not refused: a token proves somebody to one audience, and no
 * other token is shown before that one was refused for it.
 */
export async function firstFitting<T>(
  [first, ...others]: readonly [string, ...string[]],
  use: (token: string) => Promise<T>,
): Promise<T> {
  let token = first;
  for (;;) {
    try {
      return await use(token);
    } catch (error) {
      const next = others.shift();
      if (next === undefined || !isRefusedAudience(error)) throw error;
      token = next;
    }
  }
}

/** As the platform words it: "token has invalid audience: …" (protocols 3.4). */
const isRefusedAudience = (error: unknown): boolean =>
  error instanceof CliError && error.kind === 'auth' && /\binvalid audience\b/i.test(error.message);

/** The provider of these surroundings, or undefined outside of any. */
export function ambientProvider(host: Host): AmbientProvider | undefined {
  for (const find of [github, gitlab, buildkite, circleci, google, awsByVariables, azure, awsByMachine]) {
    const provider = find(host);
    if (provider !== undefined) return provider;
  }
  return undefined;
}

/**
 * Returns what to change when this is a place that could hand out tokens but does not; undefined elsewhere.
 * `isAlone`: nobody is there to sign in.
 */
export function ambientHint({ env }: Pick<Host, 'env'>, isAlone: boolean): string | undefined {
  if (env['GITHUB_ACTIONS'] === 'true') {
    return 'give the workflow `permissions: id-token: write`, so that GitHub issues an identity token';
  }
  if (env['GITLAB_CI'] === 'true') {
    return 'give the job `id_tokens:` with the issuer as `aud`, so that GitLab issues an identity token';
  }
  if (isAlone && env['IDENTITY_ENDPOINT'] && env['IDENTITY_HEADER']) {
    return `set ${azureAudience} to the client id of the Entra application that the identity names as audience`;
  }
  if (isAlone && env['KUBERNETES_SERVICE_HOST']) {
    return 'project a service account token for the issuer into the pod, and give its path with `--identity-token`';
  }
  return undefined;
}

function github(host: Host): AmbientProvider | undefined {
  const url = host.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
  const bearer = host.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
  if (!url || !bearer) return undefined;
  const token = async ({ audience, signal }: TokenRequest) => {
    const address = new URL(url);
    address.searchParams.set('audience', audience);
    const headers = { authorization: `bearer ${bearer}`, accept: 'application/json' };
    const { status, text } = await get(host, address.href, headers, signal);
    const value = status === 200 ? textOf(parseJson(text), 'value') : undefined;
    if (value !== undefined) return value;
    throw refused(`GitHub did not issue an identity token (HTTP ${status})`, ambientHint(host, true));
  };
  return { name: 'github', isJob: true, tokens: alone(token) };
}

/**
 * GitLab puts tokens into variables that the job names itself (protocols 8.1), so they are known by who issued them, the
 * instance, and by their audience: ours is the issuer or, as in Chainguard's guide, the instance. One for somebody else, such
 * as Vault, is none of ours, and whoever gets it could use it there.
 */
function gitlab({ env }: Host): AmbientProvider | undefined {
  const server = env['CI_SERVER_URL'];
  if (env['GITLAB_CI'] !== 'true' || !server) return undefined;
  const tokens = Object.entries(env)
    // These are credentials for the instance itself, and gone from newer ones.
    .filter(([name]) => !name.startsWith('CI_JOB_'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => {
      const claims = value === undefined ? undefined : decodeClaims(value);
      return value !== undefined && claims?.iss === server ? [{ name, value, audiences: audiencesOf(claims) }] : [];
    });
  if (tokens.length === 0) return undefined;
  const find = async ({ audience }: TokenRequest): Promise<readonly [string, ...string[]]> => {
    const of = (...names: readonly string[]) =>
      tokens.find((one) => names.some((name) => one.audiences.includes(name)));
    const found = [of(audience, new URL(audience).host), of(server)].flatMap((one) => one?.value ?? []);
    const [first, ...others] = new Set(found);
    if (first !== undefined) return [first, ...others];
    const held = tokens.map(({ name, audiences }) => `${name} (${audiences.join(', ') || 'no audience'})`);
    throw new CliError(
      'usage',
      `No ID token of this job is for "${audience}" or "${server}": there is ${held.join(', ')}`,
      {
        code: 'usage.no-fitting-token',
        hint: `give the job one of them as \`aud\` in \`id_tokens:\`, or say which token: \`--identity-token "$${tokens[0]?.name}"\``,
      },
    );
  };
  return { name: 'gitlab', isJob: true, tokens: find };
}

function buildkite(host: Host): AmbientProvider | undefined {
  if (host.env['BUILDKITE'] !== 'true' || !host.env['BUILDKITE_JOB_ID']) return undefined;
  const token = async ({ audience, signal }: TokenRequest) => {
    const args = ['oidc', 'request-token', '--audience', audience];
    const printed = await outputOf(host, 'buildkite-agent', args, signal);
    const value = printed?.trim() ?? '';
    if (decodeClaims(value) !== undefined) return value;
    throw refused('Buildkite’s agent did not issue an identity token', undefined);
  };
  return { name: 'buildkite', isJob: true, tokens: alone(token) };
}

/** For the organization and not for us: identities for CircleCI name that audience (protocols 8.1, Q12). */
function circleci({ env }: Host): AmbientProvider | undefined {
  const value = env['CIRCLE_OIDC_TOKEN'];
  if (env['CIRCLECI'] !== 'true' || !value) return undefined;
  return { name: 'circleci', isJob: true, tokens: async () => [value] };
}

function google(host: Host): AmbientProvider | undefined {
  const named = host.env['GCE_METADATA_HOST'];
  if (!named && !isGoogleMachine(host)) return undefined;
  const base = `http://${named || 'metadata.google.internal'}/computeMetadata/v1/instance/service-accounts/default`;
  const token = async ({ audience, signal }: TokenRequest) => {
    const query = new URLSearchParams({ audience, format: 'full' });
    const { status, text } = await get(host, `${base}/identity?${query}`, { 'metadata-flavor': 'Google' }, signal);
    const value = text.trim();
    if (status === 200 && decodeClaims(value) !== undefined) return value;
    throw refused(`Google Cloud did not issue an identity token (HTTP ${status})`, 'give it a service account');
  };
  return { name: 'google', isJob: false, tokens: alone(token) };
}

/** By what the machine says of itself: asking for a host that is not there takes seconds. */
function isGoogleMachine(host: Host): boolean {
  const { env } = host;
  return Boolean(env['K_SERVICE'] || env['CLOUD_RUN_JOB']) || makerOf(host, 'product_name') === 'Google Compute Engine';
}

/** Returns what the maker of a machine has written into it; empty where that cannot be read. */
function makerOf({ platform }: Host, name: string): string {
  if (platform !== 'linux') return '';
  try {
    return readFileSync(`/sys/class/dmi/id/${name}`, 'utf8').trim();
  } catch {
    return '';
  }
}

function awsByVariables(host: Host): AmbientProvider | undefined {
  const { env } = host;
  const names = [
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT',
  ];
  const container = ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  return [...names, ...container].some((name) => Boolean(env[name])) ? aws(host) : undefined;
}

/** Without a variable: a `default` profile in AWS's files, or a virtual machine, whose board names the instance. */
function awsByMachine(host: Host): AmbientProvider | undefined {
  return hasDefaultProfile(host) || /^i-[0-9a-f]+$/.test(makerOf(host, 'board_asset_tag')) ? aws(host) : undefined;
}

function hasDefaultProfile(host: Host): boolean {
  const files = [
    ['AWS_SHARED_CREDENTIALS_FILE', 'credentials'],
    ['AWS_CONFIG_FILE', 'config'],
  ] as const;
  return files.some(([variable, name]) => {
    try {
      const path = resolve(host.cwd, host.env[variable] || join(host.home(), '.aws', name));
      return /^\s*\[\s*(profile\s+)?default\s*\]/m.test(readFileSync(path, 'utf8'));
    } catch {
      // Missing, unreadable, or nobody's home: then it is no profile either.
      return false;
    }
  });
}

function aws(host: Host): AmbientProvider {
  const token = async ({ audience, identity, signal }: TokenRequest) => {
    if (identity === undefined) {
      throw refused('AWS credentials only prove an identity that is named', 'name it with `--identity`');
    }
    const { awsCredentials } = await import('./aws-credentials.ts');
    const { awsIdentityToken } = await import('./aws-token.ts');
    return awsIdentityToken(await awsCredentials(host, signal), { audience, identity }, host.now());
  };
  return { name: 'aws', isJob: false, tokens: alone(token) };
}

/**
 * The token of a managed identity for the Entra application that identities name as audience (protocols 8.1, and the page
 * it cites): App Service and its kin answer at an address of their own, virtual machines at the metadata service. Which
 * application that is no variable of Azure's says; AZURE_CLIENT_ID says which identity, where several are assigned.
 */
function azure(host: Host): AmbientProvider | undefined {
  const { env } = host;
  const application = env[azureAudience];
  const identity = env['AZURE_CLIENT_ID'];
  const [endpoint, secret] = [env['IDENTITY_ENDPOINT'], env['IDENTITY_HEADER']];
  const named = env['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
  // A pod with a workload identity: the metadata service answers for its node, and its token file is for Entra alone, where
  // whoever it is sent to could be the pod. Such a pod signs in as one of Kubernetes (protocols 8.1).
  if (!application || env['AZURE_FEDERATED_TOKEN_FILE']) return undefined;
  let url: URL;
  let headers: Readonly<Record<string, string>>;
  if (endpoint && secret && URL.canParse(endpoint)) {
    url = new URL(endpoint);
    url.searchParams.set('api-version', '2019-08-01');
    headers = { 'x-identity-header': secret };
  } else if (named || makerOf(host, 'chassis_asset_tag') === '7783-7084-3265-9085-8269-3286-77') {
    // The asset tag that every virtual machine of Azure has.
    url = new URL('/metadata/identity/oauth2/token', named || 'http://169.254.169.254');
    url.searchParams.set('api-version', '2018-02-01');
    headers = { metadata: 'true' };
  } else return undefined;
  url.searchParams.set('resource', application.includes(':') ? application : `api://${application}`);
  if (identity) url.searchParams.set('client_id', identity);
  const token = async ({ signal }: TokenRequest) => {
    const { status, text } = await get(host, url.href, headers, signal);
    const value = status === 200 ? textOf(parseJson(text), 'access_token') : undefined;
    if (value !== undefined && decodeClaims(value) !== undefined) return value;
    throw refused(
      `Azure did not issue an identity token (HTTP ${status})`,
      `give it a managed identity, and look at the application in ${azureAudience}`,
    );
  };
  return { name: 'azure', isJob: false, tokens: alone(token) };
}

/** Client id or identifier URI of the application. */
const azureAudience = 'CHAINCTL_AZURE_AUDIENCE';

function get(host: Host, url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined) {
  return send(host, { method: 'GET', url, headers, timeoutMs: 30_000, maxBytes: 1024 * 1024, signal });
}

/**
 * Returns what a program prints; undefined when it fails or is not there. Its own words go to stderr, where people see
 * them.
 */
function outputOf(
  { env, cwd }: Host,
  program: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30_000,
      ...(signal === undefined ? {} : { signal }),
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < 1024 * 1024) text += chunk;
    });
    child.once('error', () => (signal?.aborted ? reject(signal.reason) : resolve(undefined)));
    child.once('close', (code) => resolve(code === 0 ? text : undefined));
  });
}

/** For surroundings that are asked for one token and give it. */
const alone =
  (token: (request: TokenRequest) => Promise<string>): AmbientProvider['tokens'] =>
  async (request) => [await token(request)];

function refused(message: string, hint: string | undefined): CliError {
  return new CliError('auth', message, {
    code: 'auth.no-ambient-token',
    hint: hint ?? 'give the token with `--identity-token`',
  });
}
