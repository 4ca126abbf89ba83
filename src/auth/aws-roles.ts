// Credentials that one call away from others are: roles, IAM Identity Center, and programs that print some (AWS SDKs
// and Tools Reference Guide, "Standardized credential providers"). Guarantees: what a program or a service says besides
// the credentials is not repeated.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { send } from '../api/transport.ts';
import { type AwsCredentials, amzDate, authorization } from '../aws-signature.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { memberOf, parseJson } from '../json.ts';
import { fromAnswer, maxBytes, noCredentials, requireSafe } from './aws-answers.ts';

const waitMs = 30_000;

export interface Role {
  readonly arn: string;
  readonly sessionName?: string | undefined;
  readonly externalId?: string | undefined;
  readonly region?: string | undefined;
}

/** Signed with other credentials. Throws kind `auth` when AWS refuses. */
export async function assumeRole(
  host: Host,
  base: AwsCredentials,
  role: Role,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  const url = stsOf(host, role);
  const query = Object.entries({ Action: 'AssumeRole', ...parametersOf(host, role), Version: '2011-06-15' })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${escaped(key)}=${escaped(value)}`)
    .join('&');
  const headers = {
    accept: 'application/json',
    host: url.host,
    'x-amz-date': amzDate(host.now()),
    ...(base.sessionToken === undefined ? {} : { 'x-amz-security-token': base.sessionToken }),
  };
  const region = role.region || 'us-east-1';
  const signature = authorization(base, { method: 'GET', path: '/', query, headers, region, service: 'sts' });
  const { host: _host, ...sent } = headers;
  const answer = await send(host, {
    method: 'GET',
    url: `${url.origin}/?${query}`,
    headers: { ...sent, authorization: signature },
    timeoutMs: waitMs,
    maxBytes: maxBytes,
    signal,
  });
  return credentialsIn(answer, 'AssumeRole', role);
}

/** With the token in a file, read anew each time because it rotates. */
export async function assumeRoleWithWebIdentity(
  host: Host,
  role: Role,
  path: string,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  const url = stsOf(host, role);
  let token: string;
  try {
    token = readFileSync(resolve(host.cwd, path), 'utf8').trim();
  } catch {
    throw noCredentials(`the token in "${path}" cannot be read`);
  }
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    ...parametersOf(host, { ...role, externalId: undefined }),
    WebIdentityToken: token,
  });
  const answer = await send(host, {
    method: 'POST',
    url: url.href,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    timeoutMs: waitMs,
    maxBytes: maxBytes,
    signal,
  });
  return credentialsIn(answer, 'AssumeRoleWithWebIdentity', role);
}

function stsOf({ env }: Host, { region }: Role): URL {
  const text =
    env['AWS_ENDPOINT_URL_STS'] || (region ? `https://sts.${region}.amazonaws.com` : 'https://sts.amazonaws.com');
  requireSafe(text);
  return new URL(text);
}

const parametersOf = (host: Host, { arn, sessionName, externalId }: Role) => ({
  RoleArn: arn,
  RoleSessionName: sessionName || `chainctl-${host.now()}`,
  ...(externalId ? { ExternalId: externalId } : {}),
});

/** RFC 3986: what Signature Version 4 is computed over. */
const escaped = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function credentialsIn(
  answer: { readonly status: number; readonly text: string },
  action: string,
  role: Role,
): AwsCredentials {
  const result = memberOf(memberOf(parseJson(answer.text), `${action}Response`), `${action}Result`);
  const found = answer.status === 200 ? fromAnswer(memberOf(result, 'Credentials'), 'SessionToken') : undefined;
  if (found !== undefined) return found;
  throw noCredentials(`AWS did not give the role "${role.arn}" (HTTP ${answer.status})`, 'see its trust policy');
}

export interface SsoProfile {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Name of the login's file: the session, or the start page in older profiles. */
  readonly cacheKey: string;
}

/** With the login that `aws sso login` left. */
export async function ssoCredentials(
  host: Host,
  { name, settings, cacheKey }: SsoProfile,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  const hint = `run \`aws sso login --profile ${name}\``;
  const file = `${createHash('sha1').update(cacheKey).digest('hex')}.json`;
  const login = parseJson(readTextIfExists(join(host.home(), '.aws', 'sso', 'cache', file)) ?? '');
  const token = memberOf(login, 'accessToken');
  const ends = Date.parse(String(memberOf(login, 'expiresAt')));
  if (typeof token !== 'string' || !(ends > host.now())) {
    throw noCredentials(`the login of profile "${name}" with IAM Identity Center is missing or over`, hint);
  }
  const { sso_region: region = '', sso_account_id: account = '', sso_role_name: role = '' } = settings;
  const base = host.env['AWS_ENDPOINT_URL_SSO'] || `https://portal.sso.${region}.amazonaws.com`;
  requireSafe(base);
  const query = new URLSearchParams({ account_id: account, role_name: role });
  const answer = await send(host, {
    method: 'GET',
    url: `${base.replace(/\/+$/, '')}/federation/credentials?${query}`,
    headers: { accept: 'application/json', 'x-amz-sso_bearer_token': token },
    timeoutMs: waitMs,
    maxBytes: maxBytes,
    signal,
  });
  const given = memberOf(parseJson(answer.text), 'roleCredentials');
  const found =
    answer.status === 200
      ? fromAnswer(
          {
            AccessKeyId: memberOf(given, 'accessKeyId'),
            SecretAccessKey: memberOf(given, 'secretAccessKey'),
            SessionToken: memberOf(given, 'sessionToken'),
          },
          'SessionToken',
        )
      : undefined;
  if (found !== undefined) return found;
  throw noCredentials(`IAM Identity Center gave profile "${name}" none (HTTP ${answer.status})`, hint);
}

/**
 * Returns what AWS's own command line makes of a profile: every kind there is, with the renewals that belong to it.
 * Undefined where it is not on PATH, too old for the question, or has none; whatever it says of that goes to stderr,
 * where people see it.
 */
export async function exportedCredentials(
  host: Host,
  profile: string,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials | undefined> {
  const words = ['configure', 'export-credentials', '--profile', profile, '--format', 'process'];
  return credentialsPrinted(await outputOf(host, 'aws', words, signal));
}

/** Of the program that a profile names. Its own words go to stderr, where people see them. */
export async function processCredentials(
  host: Host,
  program: string,
  profile: string,
  signal: AbortSignal | undefined,
): Promise<AwsCredentials> {
  const printed = await outputOf(host, program, undefined, signal);
  const found = credentialsPrinted(printed);
  if (found !== undefined) return found;
  throw noCredentials(
    `the \`credential_process\` of profile "${profile}" ${printed === undefined ? 'failed' : 'printed none'}`,
    'run it by itself to see what it says',
  );
}

/** Returns what a program prints; undefined when it fails or is not there. Without words it is a line for the shell. */
function outputOf(
  { env, cwd }: Host,
  program: string,
  words: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  return new Promise((done, reject) => {
    const child = spawn(program, words ?? [], {
      cwd,
      env: { ...env },
      shell: words === undefined,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: waitMs,
      ...(signal === undefined ? {} : { signal }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      if (size < maxBytes) chunks.push(chunk);
      size += chunk.length;
    });
    child.once('error', () => (signal?.aborted ? reject(signal.reason) : done(undefined)));
    child.once('close', (code) => done(code === 0 ? Buffer.concat(chunks).toString('utf8') : undefined));
  });
}

/** Of the form that AWS calls "process". */
function credentialsPrinted(text: string | undefined): AwsCredentials | undefined {
  const answer = parseJson(text ?? '');
  return memberOf(answer, 'Version') === 1 ? fromAnswer(answer, 'SessionToken') : undefined;
}
