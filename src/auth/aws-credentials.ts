// AWS credentials from where AWS's own tools look (protocols 3.5): variables, the profile files, a web identity, the
// container's and the machine's endpoints, in that order. What takes more than reading is asked of AWS's own command line where
// it is there, which knows every kind of profile there will be. Guarantees: values are never logged; plain http only to this
// machine and to link-local addresses.

import { join, resolve } from 'node:path';
import { type HttpResponse, send } from '../api/transport.ts';
import type { AwsCredentials } from '../aws-signature.ts';
import { CliError } from '../errors.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { memberOf, parseJson } from '../json.ts';
import { credentialsOf, fromAnswer, maxBytes, noCredentials, requireSafe } from './aws-answers.ts';

const waitMs = 5_000;

/** Throws kind `auth` when nothing gives any, naming what was tried last. */
export async function awsCredentials(host: Host, signal?: AbortSignal): Promise<AwsCredentials> {
  for (const source of [fromVariables, fromWebIdentity, fromProfile, fromContainer, fromMachine]) {
    const found = await source(host, signal);
    if (found !== undefined) return found;
  }
  throw noCredentials('none were found');
}

type Source = (host: Host, signal: AbortSignal | undefined) => Promise<AwsCredentials | undefined>;

const fromVariables: Source = async ({ env }) =>
  credentialsOf(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']);

/** A `default` profile that needs a role, a login or a program is used or refused: passed over, somebody else would sign. */
const fromProfile: Source = async (host, signal) => {
  const name = host.env['AWS_PROFILE'] || 'default';
  const found = await profileCredentials(host, name, signal, []);
  if (found !== undefined || !host.env['AWS_PROFILE']) return found;
  throw noCredentials(`profile "${name}" has none`, 'see the profiles there are with `aws configure list-profiles`');
};

/** Of one profile, by what it says first: a role to assume, keys, a login of `aws login` or `aws sso login`, a program. */
async function profileCredentials(
  host: Host,
  name: string,
  signal: AbortSignal | undefined,
  users: readonly string[],
): Promise<AwsCredentials | undefined> {
  const { env } = host;
  const read = (variable: string, file: string) => {
    const path = env[variable];
    return readTextIfExists(path ? resolve(host.cwd, path) : join(host.home(), '.aws', file)) ?? '';
  };
  const config = read('AWS_CONFIG_FILE', 'config');
  const profile = {
    ...sectionOf(config, [`profile ${name}`, name === 'default' ? name : '']),
    ...sectionOf(read('AWS_SHARED_CREDENTIALS_FILE', 'credentials'), [name]),
  };
  const keys = credentialsOf(
    profile['aws_access_key_id'],
    profile['aws_secret_access_key'],
    profile['aws_session_token'],
  );
  if (profile['role_arn']) {
    const { assumeRole, assumeRoleWithWebIdentity } = await import('./aws-roles.ts');
    const role = {
      arn: profile['role_arn'],
      sessionName: profile['role_session_name'],
      externalId: profile['external_id'],
      region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || profile['region'],
    };
    const file = profile['web_identity_token_file'];
    if (file) return assumeRoleWithWebIdentity(host, role, file, signal);
    if (profile['mfa_serial']) {
      throw noCredentials(
        `profile "${name}" asks for a code of \`mfa_serial\`, which chainctl does not`,
        `run \`eval "$(aws configure export-credentials --profile ${name} --format env)"\` first`,
      );
    }
    const exported = await fromCommandLine(host, name, users, signal);
    if (exported !== undefined) return exported;
    const source = profile['source_profile'];
    // A profile may be its own source; then its keys are meant.
    if (source !== undefined && source !== name && [...users, name].includes(source)) {
      throw noCredentials(`profile "${name}" and its \`source_profile\` name each other`, 'fix ~/.aws/config');
    }
    const base =
      source !== undefined && source !== name
        ? await profileCredentials(host, source, signal, [...users, name])
        : await (credentialSources[profile['credential_source'] ?? ''] ?? (async () => keys))(host, signal);
    if (base !== undefined) return assumeRole(host, base, role, signal);
    throw noCredentials(`there are none to assume the role of profile "${name}" with`, 'fix ~/.aws/config');
  }
  if (keys !== undefined) return keys;
  const { login_session: signedIn, sso_session: session, sso_start_url: page, credential_process: program } = profile;
  if (signedIn) return (await signInCredentials(host, signedIn)) ?? (await renewedSignIn(host, name, users, signal));
  if (!session && !page && !program) return undefined;
  const exported = await fromCommandLine(host, name, users, signal);
  if (exported !== undefined) return exported;
  const { processCredentials, ssoCredentials } = await import('./aws-roles.ts');
  if (program && !session && !page) return processCredentials(host, program, name, signal);
  const login = session ? { ...profile, ...sectionOf(config, [`sso-session ${session}`]) } : profile;
  return ssoCredentials(host, { name, settings: login, cacheKey: session || page || '' }, signal);
}

/** Of a profile that another names, its own command line would be asked for nothing new. */
async function fromCommandLine(
  host: Host,
  profile: string,
  users: readonly string[],
  signal: AbortSignal | undefined,
): Promise<AwsCredentials | undefined> {
  if (users.length > 0) return undefined;
  const { exportedCredentials } = await import('./aws-roles.ts');
  return exportedCredentials(host, profile, signal);
}

/**
 * Returns what `aws login` left, while it is good (AWS SDKs and Tools Reference Guide, "Login credentials provider").
 */
async function signInCredentials(host: Host, session: string): Promise<AwsCredentials | undefined> {
  const { createHash } = await import('node:crypto');
  const folder = host.env['AWS_LOGIN_CACHE_DIRECTORY'];
  const file = `${createHash('sha256').update(session).digest('hex')}.json`;
  const path = join(folder ? resolve(host.cwd, folder) : join(host.home(), '.aws', 'login', 'cache'), file);
  const token = memberOf(parseJson(readTextIfExists(path) ?? ''), 'accessToken');
  if (!(Date.parse(String(memberOf(token, 'expiresAt'))) > host.now())) return undefined;
  return fromAnswer(
    {
      AccessKeyId: memberOf(token, 'accessKeyId'),
      SecretAccessKey: memberOf(token, 'secretAccessKey'),
      SessionToken: memberOf(token, 'sessionToken'),
    },
    'SessionToken',
  );
}

/** Only AWS's own command line can renew such a login; passed over, somebody else would sign. */
async function renewedSignIn(
  host: Host,
  profile: string,
  users: readonly string[],
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  const exported = await fromCommandLine(host, profile, users, signal);
  if (exported !== undefined) return exported;
  throw noCredentials(`the login of profile "${profile}" is missing or over`, `run \`aws login --profile ${profile}\``);
}

/** Trades the token of a pod or job for the role's credentials, as in EKS. */
const fromWebIdentity: Source = async (host, signal) => {
  const { env } = host;
  const [path, arn] = [env['AWS_WEB_IDENTITY_TOKEN_FILE'], env['AWS_ROLE_ARN']];
  if (!path || !arn) return undefined;
  const { assumeRoleWithWebIdentity } = await import('./aws-roles.ts');
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  return assumeRoleWithWebIdentity(host, { arn, sessionName: env['AWS_ROLE_SESSION_NAME'], region }, path, signal);
};

const fromContainer: Source = async (host, signal) => {
  const { env } = host;
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!relative && !full) return undefined;
  const url = relative ? new URL(relative, 'http://169.254.170.2').href : (full ?? '');
  requireSafe(url);
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file ? readTextIfExists(resolve(host.cwd, file))?.trim() : env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  return getCredentials(host, url, token ? { authorization: token } : {}, signal);
};

/** The machine's own endpoint, second version: a token first, so that nobody can be talked into asking it. */
const fromMachine: Source = async (host, signal) => {
  const { env } = host;
  if (env['AWS_EC2_METADATA_DISABLED'] === 'true') return undefined;
  const base = (env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || 'http://169.254.169.254').replace(/\/+$/, '');
  requireSafe(base);
  const ask = (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) =>
    send(host, { method, url: `${base}/latest/${path}`, headers, timeoutMs: waitMs, maxBytes: maxBytes, signal });
  let session: HttpResponse;
  try {
    session = await ask('PUT', 'api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '300' });
  } catch (error) {
    // Elsewhere nobody listens there; a machine that was named is expected to.
    if (signal?.aborted || !(error instanceof CliError) || env['AWS_EC2_METADATA_SERVICE_ENDPOINT']) throw error;
    return undefined;
  }
  const headers = { 'x-aws-ec2-metadata-token': session.text.trim() };
  const role = (await ask('GET', 'meta-data/iam/security-credentials/', headers)).text.trim().split('\n')[0] ?? '';
  if (!/^[\w+=,.@-]+$/.test(role)) throw noCredentials('this machine has no role');
  return getCredentials(host, `${base}/latest/meta-data/iam/security-credentials/${role}`, headers, signal);
};

/** Values of `credential_source`. */
const credentialSources: Readonly<Record<string, Source>> = {
  Environment: fromVariables,
  Ec2InstanceMetadata: fromMachine,
  EcsContainer: fromContainer,
};

async function getCredentials(
  host: Host,
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  const answer = await send(host, {
    method: 'GET',
    url,
    headers: { accept: 'application/json', ...headers },
    timeoutMs: waitMs,
    maxBytes: maxBytes,
    signal,
  });
  const found = answer.status === 200 ? fromAnswer(parseJson(answer.text), 'Token') : undefined;
  if (found === undefined) throw noCredentials(`${new URL(url).host} gave none (HTTP ${answer.status})`);
  return found;
}

/** The settings of the sections with one of these names, in AWS's ini dialect: quoted names, and comments behind values. */
function sectionOf(text: string, names: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {};
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const [, header] = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line) ?? [];
    if (header !== undefined) inside = names.includes(unquoted(header));
    const [, key, value] = /^([\w-]+)\s*=\s*(.*?)(?:\s+[#;].*|\s*)$/.exec(line) ?? [];
    if (inside && key !== undefined && value !== undefined) settings[key.toLowerCase()] = value;
  }
  return settings;
}

/** A section's name with one blank between its words, which may stand in quotes or behind backslashes as in a shell. */
function unquoted(header: string): string {
  const words = header.match(/(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  return words
    .map((word) => word.replace(/"([^"]*)"|'([^']*)'|\\(.)/g, (_, double, single, char) => double ?? single ?? char))
    .join(' ');
}
