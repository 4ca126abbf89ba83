// Where AWS credentials come from, in the order of AWS's own tools; each source is a real server, file or program.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requireSafe } from '../../src/auth/aws-answers.ts';
import { awsCredentials } from '../../src/auth/aws-credentials.ts';
import { fakeHost } from '../support/fake-host.ts';
import { smallAws } from '../support/small-aws.ts';
import { stubServer } from '../support/stub-server.ts';

const users = { AKIA: { secret: 'base-secret', arn: 'arn:aws:iam::1:user/base', userId: 'AIDA' } };
const keys = 'aws_access_key_id = AKIA\naws_secret_access_key = base-secret\n';
const role = 'arn:aws:iam::1:role/ci';

async function world(config: string, credentials = '', env: Record<string, string> = {}) {
  const aws = await smallAws({ ...users, ASIA1: { secret: 'secret-1', arn: role, userId: 'AROA:x' } });
  const host = fakeHost({
    env: { AWS_ENDPOINT_URL_STS: aws.url, AWS_EC2_METADATA_DISABLED: 'true', PATH: '/nowhere', ...env },
  });
  const folder = join(host.home(), '.aws');
  mkdirSync(join(folder, 'sso', 'cache'), { recursive: true });
  writeFileSync(join(folder, 'config'), config);
  writeFileSync(join(folder, 'credentials'), credentials);
  return { aws, host, folder };
}

describe('roles of profiles', () => {
  test('with the keys of another profile, an external id and a session name, also for `default` without AWS_PROFILE', async () => {
    const config = `[default]\nrole_arn = ${role}\nsource_profile = base\nexternal_id = a b/c\nrole_session_name = me\n`;
    const { aws, host } = await world(config, `[base]\n${keys}`);
    expect(await awsCredentials(host)).toEqual({
      accessKeyId: 'ASIA1',
      secretAccessKey: 'secret-1',
      sessionToken: 'session-1',
    });
    expect(aws.assumed).toEqual([
      expect.objectContaining({ by: 'AKIA', RoleArn: role, ExternalId: 'a b/c', RoleSessionName: 'me' }),
    ]);
  });

  test('through a second role', async () => {
    const config = `[profile far]\nrole_arn = ${role}-far\nsource_profile = near\n[profile near]\nrole_arn = ${role}\nsource_profile = base\n[profile base]\n${keys}`;
    const { aws, host } = await world(config, '', { AWS_PROFILE: 'far' });
    expect((await awsCredentials(host)).accessKeyId).toBe('ASIA2');
    expect(aws.assumed.map(({ by, RoleArn }) => [by, RoleArn])).toEqual([
      ['AKIA', role],
      ['ASIA1', `${role}-far`],
    ]);
  });

  test('a role beside keys is assumed with them, not passed over', async () => {
    const { aws, host } = await world('', `[default]\n${keys}role_arn = ${role}\nsource_profile = default\n`);
    expect((await awsCredentials(host)).accessKeyId).toBe('ASIA1');
    expect(aws.assumed[0]?.['by']).toBe('AKIA');
  });

  test('with what a container hands out', async () => {
    const container = await stubServer();
    container.expect('GET /creds', { body: { AccessKeyId: 'AKIA', SecretAccessKey: 'base-secret' } });
    const { aws, host } = await world(`[default]\nrole_arn = ${role}\ncredential_source = EcsContainer\n`, '', {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/creds`,
    });
    expect((await awsCredentials(host)).accessKeyId).toBe('ASIA1');
    expect(aws.assumed[0]?.['by']).toBe('AKIA');
  });

  test.each([
    [`[default]\nrole_arn = ${role}\n`, 'there are none to assume the role of profile "default" with'],
    [`[default]\nrole_arn = ${role}\nsource_profile = gone\n`, 'there are none to assume the role'],
    [
      `[default]\nrole_arn = ${role}\nsource_profile = b\n[profile b]\nrole_arn = ${role}\nsource_profile = default\n`,
      'name each other',
    ],
    [`[default]\nrole_arn = ${role}\nmfa_serial = x\nsource_profile = b\n`, '`mfa_serial`'],
  ])('%j is refused and nobody else signs', async (config, message) => {
    const { host } = await world(config, '', {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9/somebody-else',
    });
    await expect(awsCredentials(host)).rejects.toThrow(message);
  });
});

describe('names and values as AWS’s own tools write them', () => {
  test.each([
    ['my profile', 'profile "my profile"', ''],
    ['my profile', "profile 'my profile'", ''],
    ['my profile', 'profile my\\ profile', ''],
    ['plain', ' profile   plain ', ' # of the team'],
    ['plain', 'profile "plain"', '\t; of the team'],
  ])('%j in [%s] %j', async (name, section, tail) => {
    const { host } = await world(`[${section}] # x\n${keys.replaceAll('\n', `${tail}\n`)}`, '', { AWS_PROFILE: name });
    expect(await awsCredentials(host)).toEqual({
      accessKeyId: 'AKIA',
      secretAccessKey: 'base-secret',
      sessionToken: undefined,
    });
  });

  test('a hash inside a value is a part of it', async () => {
    const { host } = await world('[default]\naws_access_key_id=AKIA\naws_secret_access_key=a#b;c # not this\n');
    expect((await awsCredentials(host)).secretAccessKey).toBe('a#b;c');
  });
});

describe('`aws login`', () => {
  const session = 'arn:aws:sts::1:assumed-role/Dev/me';
  const config = `[default]\nlogin_session = ${session}\n`;
  const keep = (folder: string, expiresAt: number, id = 'ASIALOGIN') => {
    const cache = join(folder, 'login', 'cache');
    mkdirSync(cache, { recursive: true });
    const name = createHash('sha256').update(session).digest('hex');
    const accessToken = { accessKeyId: id, secretAccessKey: 's', sessionToken: 't', expiresAt: new Date(expiresAt) };
    writeFileSync(join(cache, `${name}.json`), JSON.stringify({ accessToken, refreshToken: 'r' }));
    return cache;
  };

  test('signs while it is good; over, what to run, and nobody else signs', async () => {
    const { host, folder } = await world(config, '', {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9/somebody-else',
    });
    const over = {
      message: expect.stringContaining('the login of profile "default" is missing or over'),
      hint: 'run `aws login --profile default`',
    };
    await expect(awsCredentials(host)).rejects.toMatchObject(over);
    keep(folder, host.now() + 60_000);
    expect(await awsCredentials(host)).toEqual({ accessKeyId: 'ASIALOGIN', secretAccessKey: 's', sessionToken: 't' });
    keep(folder, host.now() - 1000);
    await expect(awsCredentials(host)).rejects.toMatchObject(over);
    host.env['AWS_LOGIN_CACHE_DIRECTORY'] = keep(join(folder, 'elsewhere'), host.now() + 60_000, 'ASIAELSEWHERE');
    expect((await awsCredentials(host)).accessKeyId).toBe('ASIAELSEWHERE');
  });
});

describe('AWS’s own command line, where it is', () => {
  const role1 = `[profile a b]\nrole_arn = ${role}\nsource_profile = base\n[profile base]\n${keys}`;
  const sso = '[profile a b]\nsso_session = corp\n[sso-session corp]\nsso_start_url = https://x.example\n';
  const program = '[profile a b]\ncredential_process = exit 9\n';
  const login = '[profile a b]\nlogin_session = arn:aws:iam::1:user/me\n';
  const answer = '{"Version":1,"AccessKeyId":"ASIACLI","SecretAccessKey":"s","SessionToken":"t"}';

  async function withCommandLine(config: string, script: string) {
    const made = await world(config, '', { AWS_PROFILE: 'a b' });
    writeFileSync(join(made.folder, 'aws'), `#!/bin/sh\necho "$*" > "$0.words"\n${script}\n`, { mode: 0o755 });
    made.host.env['PATH'] = made.folder;
    return { ...made, words: () => readFileSync(join(made.folder, 'aws.words'), 'utf8') };
  }

  test.each([role1, sso, program, login])('is asked about %j', async (config) => {
    const { host, words, aws } = await withCommandLine(config, `echo '${answer}'`);
    expect(await awsCredentials(host)).toEqual({ accessKeyId: 'ASIACLI', secretAccessKey: 's', sessionToken: 't' });
    expect(words()).toBe('configure export-credentials --profile a b --format process\n');
    expect(aws.assumed).toEqual([]);
  });

  test('without an answer of it we do what it does', async () => {
    const { host, words } = await withCommandLine(role1, 'exit 252');
    expect((await awsCredentials(host)).accessKeyId).toBe('ASIA1');
    expect(words()).toContain('export-credentials');
  });

  test('is not asked for keys, nor where it would ask for a code', async () => {
    const plain = await withCommandLine(`[profile a b]\n${keys}`, `echo '${answer}'`);
    expect((await awsCredentials(plain.host)).accessKeyId).toBe('AKIA');
    const code = await withCommandLine(role1.replace('source', 'mfa_serial = x\nsource'), `echo '${answer}'`);
    await expect(awsCredentials(code.host)).rejects.toThrow('`mfa_serial`');
  });
});

test('a web identity, by variables and by profile; the file is read anew', async () => {
  const { aws, host, folder } = await world('');
  const token = join(folder, 'token');
  Object.assign(host.env, { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: role });
  for (const text of ['first', 'second']) {
    writeFileSync(token, `${text}\n`);
    await awsCredentials(host);
  }
  expect(aws.assumed.map((one) => [one['Action'], one['RoleArn'], one['WebIdentityToken']])).toEqual([
    ['AssumeRoleWithWebIdentity', role, 'first'],
    ['AssumeRoleWithWebIdentity', role, 'second'],
  ]);
  const profile = await world(`[default]\nrole_arn = ${role}\nweb_identity_token_file = ${token}\n`);
  expect((await awsCredentials(profile.host)).accessKeyId).toBe('ASIA1');
});

test('a program that prints them; one that fails or prints something else is told without its output', async () => {
  const printed = '{"Version":1,"AccessKeyId":"AKIAP","SecretAccessKey":"s","SessionToken":"t"}';
  const good = await world(`[default]\ncredential_process = printf '%s' '${printed}'\n`);
  expect(await awsCredentials(good.host)).toEqual({ accessKeyId: 'AKIAP', secretAccessKey: 's', sessionToken: 't' });
  const other = await world(`[default]\ncredential_process = echo my-secret\n`);
  const error = await awsCredentials(other.host).catch((reason: Error) => reason);
  expect(String(error)).toContain('the `credential_process` of profile "default" printed none');
  expect(String(error)).not.toContain('my-secret');
  const failed = await world('[default]\ncredential_process = exit 3\n');
  await expect(awsCredentials(failed.host)).rejects.toThrow('of profile "default" failed');
});

describe('credentials go into headers, so they are one word of plain text each', () => {
  const good = { AccessKeyId: 'AKIA', SecretAccessKey: 'base-secret', SessionToken: 'session' };
  const bad = ['a\r\nx-evil: 1', 'a\nb', 'a b', 'a\tb', 'a\u0001', 'a\u007f', 'é', 'a\u2028b'];
  const cases = (['AccessKeyId', 'SessionToken'] as const).flatMap((name) =>
    bad.map((value) => [name, value] as const),
  );
  const refused = 'they are not one word of plain text each';

  test.each(cases)('%s %j from variables', async (name, value) => {
    const found = { ...good, [name]: value };
    const { host } = await world('', '', {
      AWS_ACCESS_KEY_ID: found.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: found.SecretAccessKey,
      AWS_SESSION_TOKEN: found.SessionToken,
    });
    const error = await awsCredentials(host).catch((reason: Error) => reason);
    expect(error).toMatchObject({ kind: 'auth', message: expect.stringContaining(refused) });
    expect(String(error)).not.toContain(value);
  });

  test.each(cases)('%s %j from a container', async (name, value) => {
    const container = await stubServer();
    container.expect('GET /creds', { body: { ...good, Token: good.SessionToken, ...tokenNamed(name, value) } });
    const { host } = await world('', '', { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/creds` });
    await expect(awsCredentials(host)).rejects.toThrow(refused);
  });

  /** The container's answer calls the session token differently. */
  const tokenNamed = (name: string, value: string) => ({ [name === 'SessionToken' ? 'Token' : name]: value });

  test('from a program and from a profile', async () => {
    const printed = JSON.stringify({ Version: 1, ...good, SessionToken: 'a b' });
    const program = await world(`[default]\ncredential_process = printf '%s' '${printed}'\n`);
    await expect(awsCredentials(program.host)).rejects.toThrow(refused);
    const profile = await world('', `[default]\n${keys}aws_session_token = a b\n`);
    await expect(awsCredentials(profile.host)).rejects.toThrow(refused);
  });

  test('a secret is only computed with, and may be anything', async () => {
    const { host } = await world('', '', { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'a b/é' });
    expect(await awsCredentials(host)).toMatchObject({ secretAccessKey: 'a b/é' });
  });
});

test.each([0, 2, '1', null, undefined, true])('a program that prints Version %j is not understood', async (Version) => {
  const printed = JSON.stringify({ Version, AccessKeyId: 'AKIAP', SecretAccessKey: 's' });
  const { host } = await world(`[default]\ncredential_process = printf '%s' '${printed}'\n`);
  await expect(awsCredentials(host)).rejects.toThrow('the `credential_process` of profile "default" printed none');
});

describe('where credentials may come from in plain http', () => {
  test.each([
    'http://localhost:1/x',
    'http://127.0.0.1:1/x',
    'http://127.9.9.9/x',
    'http://[::1]:1/x',
    'http://169.254.170.2/x',
    'http://[fd00:ec2::254]/x',
    'http://[fd00:ec2::23]/x',
    'https://anywhere.example/x',
  ])('%s', (url) => expect(() => requireSafe(url)).not.toThrow());

  test.each([
    'http://anywhere.example/x',
    'http://localhost.example/x',
    'http://127.0.0.1.example/x',
    'http://169.254.169.254.example/x',
    'http://10.0.0.1/x',
    'http://128.0.0.1/x',
    'http://169.253.0.1/x',
    'http://[fd00:ec2::253]/x',
    'http://[::2]/x',
    'http://127.0.0.1@evil.example/x',
    'ftp://127.0.0.1/x',
    'not a url',
    '',
  ])('not %j', (url) => {
    expect(() => requireSafe(url)).toThrow('their address is neither https nor on this machine');
  });
});

test('IAM Identity Center: with the login that is there; missing or over, what to run', async () => {
  const portal = await stubServer();
  const config =
    '[profile work]\nsso_session = corp\nsso_account_id = 123\nsso_role_name = Reader\n[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n';
  const { host, folder } = await world(config, '', { AWS_PROFILE: 'work', AWS_ENDPOINT_URL_SSO: portal.url });
  await expect(awsCredentials(host)).rejects.toMatchObject({
    message: expect.stringContaining('is missing or over'),
    hint: 'run `aws sso login --profile work`',
  });
  const file = join(folder, 'sso', 'cache', `${createHash('sha1').update('corp').digest('hex')}.json`);
  const login = (expiresAt: number) =>
    writeFileSync(file, JSON.stringify({ accessToken: 'the-login', expiresAt: new Date(expiresAt).toISOString() }));
  login(host.now() - 1000);
  await expect(awsCredentials(host)).rejects.toThrow('is missing or over');
  login(host.now() + 60_000);
  portal.expect('GET /federation/credentials?account_id=123&role_name=Reader', {
    body: { roleCredentials: { accessKeyId: 'ASIASSO', secretAccessKey: 's', sessionToken: 't', expiration: 1 } },
  });
  expect(await awsCredentials(host)).toEqual({ accessKeyId: 'ASIASSO', secretAccessKey: 's', sessionToken: 't' });
  expect(portal.requests[0]?.headers['x-amz-sso_bearer_token']).toBe('the-login');
  portal.expect('GET /federation/credentials?account_id=123&role_name=Reader', { status: 403, body: {} });
  await expect(awsCredentials(host)).rejects.toThrow('IAM Identity Center gave profile "work" none (HTTP 403)');
});
