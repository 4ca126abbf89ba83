// Identity tokens from where jobs run, against the real issuer of a local platform: its simulated third parties sign what
// the real ones would, and a small AWS checks signatures as AWS does.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { closeTransport } from '../../src/api/transport.ts';
import { ambientProvider } from '../../src/auth/ambient.ts';
import { awsIdentityToken } from '../../src/auth/aws-token.ts';
import { decodeClaims } from '../../src/auth/jwt.ts';
import { type LoginOptions, login } from '../../src/auth/login.ts';
import { accessToken } from '../../src/auth/session.ts';
import { readTokens } from '../../src/auth/token-cache.ts';
import { authorization } from '../../src/aws-signature.ts';
import { loadConfig } from '../../src/config/load.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { githubToken, gitlabToken } from '../../src/trust/ci-claims.ts';
import { FakeHost } from '../support/fake-host.ts';
import { builtInRoleId, demoOrganizations } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';
import { smallAws } from '../support/small-aws.ts';
import { stubServer } from '../support/stub-server.ts';

vi.setConfig({ testTimeout: 30_000 });

type Relationship = Parameters<typeof insertIdentity>[1]['relationship'];

const hosts: FakeHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) {
    await closeTransport(host);
    host.dispose();
  }
});

async function world(awsSts?: string) {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock, ...(awsSts === undefined ? {} : { clouds: { awsSts } }) });
  const { api, issuer } = platform.urls;
  const host = new FakeHost({
    now: clock.now(),
    env: { CHAINGUARD_PLATFORM_API: api, CHAINGUARD_PLATFORM_ISSUER: issuer, PATH: process.env['PATH'] },
  });
  hosts.push(host);
  const config = await loadConfig(host);
  let made = 0;
  let seen = 0;
  return {
    platform,
    clock,
    host,
    api,
    issuer,
    log: (more?: LoginOptions) => login(host, config, { allowBrowser: false, ...more }),
    token: () => accessToken(host, config, api),
    /** Token exchanges since the last time this was asked. */
    exchanges: () => {
      const since = platform.log.slice(seen);
      seen = platform.log.length;
      return since.filter(({ path }) => path === '/sts/exchange').length;
    },
    identity: (relationship: Relationship): string => {
      made += 1;
      const id = `${demoOrganizations.private}/${String(made).padStart(16, '0')}`;
      platform.store.transact((tx) => {
        insertIdentity(tx, { id, name: `i${made}`, description: '', relationship });
        bindRole(tx, { group: demoOrganizations.private, identity: id, role: builtInRoleId('viewer') });
      });
      return id;
    },
    mint: (claims: { issuer: string; subject: string; claims?: Record<string, unknown> }, audience = issuer) =>
      mintThirdPartyToken(platform.store, { claims: {}, ...claims, audience, now: clock.now() }),
    advance: (ms: number) => {
      clock.advance(ms);
      host.advance(ms);
    },
  };
}

const literal = (issuer: string, subject: string, audience?: string): Relationship => ({
  kind: 'claimMatch',
  claimMatch: { issuer, subject, ...(audience === undefined ? {} : { audience }) },
});

describe('jobs', () => {
  test('GitLab: the variable whose token the instance issued for us, whatever its name', async () => {
    const w = await world();
    const job = gitlabToken({ projectPath: 'acme/app', ref: 'main', refType: 'branch' });
    const identity = w.identity(literal(job.issuer, job.subject));
    w.host.env['GITLAB_CI'] = 'true';
    w.host.env['CI_SERVER_URL'] = 'https://gitlab.com';
    await expect(w.log({ identity })).rejects.toMatchObject({ hint: expect.stringContaining('id_tokens:') });
    w.host.env['A_VAULT_TOKEN'] = await w.mint(job, 'https://vault.example');
    w.host.env['CI_JOB_JWT'] = await w.mint(job);
    w.host.env['FOREIGN'] = await w.mint(githubToken({ repo: 'a/b', ref: 'refs/heads/main' }));
    await expect(w.log({ identity })).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/there is A_VAULT_TOKEN \(https:\/\/vault\.example\)$/),
      hint: expect.stringContaining('`--identity-token "$A_VAULT_TOKEN"`'),
    });
    expect(w.exchanges(), 'a token for somebody else stays here').toBe(0);
    w.host.env['MY_TOKEN'] = await w.mint(job);
    expect((await w.log({ identity })).identity).toBe(identity);
    expect(readTokens(w.host, w.api).record?.source).toEqual({ kind: 'ambient', provider: 'gitlab' });
  });

  test('GitLab: of several, the one for the issuer, and the one for the instance only when that is refused', async () => {
    const w = await world();
    const job = gitlabToken({ projectPath: 'acme/app', ref: 'main', refType: 'branch' });
    const byGuide = w.identity(literal(job.issuer, job.subject, 'https://gitlab.com'));
    const byDefault = w.identity(literal(job.issuer, job.subject));
    Object.assign(w.host.env, {
      GITLAB_CI: 'true',
      CI_SERVER_URL: 'https://gitlab.com',
      AWS_ID_TOKEN: await w.mint(job, 'https://vault.example'),
      ID_TOKEN_1: await w.mint(job, 'https://gitlab.com'),
      VAULT_ID_TOKEN: await w.mint(job, 'https://vault.example'),
    });
    expect((await w.log({ identity: byGuide })).identity).toBe(byGuide);
    expect(w.exchanges()).toBe(1);
    // The same again when the login is renewed.
    w.advance(3_600_000);
    w.host.env['ID_TOKEN_1'] = await w.mint(job, 'https://gitlab.com');
    expect(decodeClaims(await w.token())?.sub).toBe(byGuide);
    expect(w.exchanges()).toBe(1);

    w.host.env['OURS'] = await w.mint(job, new URL(w.issuer).host);
    expect((await w.log({ identity: byDefault })).identity).toBe(byDefault);
    expect(w.exchanges(), 'the first was right').toBe(1);
    expect((await w.log({ identity: byGuide })).identity).toBe(byGuide);
    expect(w.exchanges(), 'the first was refused for its audience').toBe(2);
    const other = w.identity(literal(job.issuer, 'project_path:acme/other:ref_type:branch:ref:main'));
    await expect(w.log({ identity: other })).rejects.toThrow('invalid subject');
    expect(w.exchanges(), 'refused for something else').toBe(1);
  });

  test('Buildkite: the agent is asked, for the issuer, and again for the next hour', async () => {
    const w = await world();
    const subject = 'organization:acme:pipeline:app:ref:refs/heads/main:commit:abc:step:build';
    const job = { issuer: 'https://agent.buildkite.com', subject };
    const identity = w.identity(literal(job.issuer, subject));
    const bin = join(w.host.root, 'bin');
    mkdirSync(bin);
    const answer = join(w.host.root, 'answer');
    writeFileSync(join(bin, 'buildkite-agent'), `#!/bin/sh\necho "$*" >> '${answer}.asked'\ncat '${answer}'\n`);
    chmodSync(join(bin, 'buildkite-agent'), 0o755);
    w.host.env['PATH'] = `${bin}:${process.env['PATH']}`;
    w.host.env['BUILDKITE'] = 'true';
    w.host.env['BUILDKITE_JOB_ID'] = 'job';
    await expect(w.log({ identity })).rejects.toThrow('agent did not issue');
    writeFileSync(answer, `${await w.mint(job)}\n`);
    expect((await w.log({ identity })).identity).toBe(identity);
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(`${answer}.asked`, 'utf8')).toContain(`oidc request-token --audience ${w.issuer}`);
    w.advance(3_600_000);
    writeFileSync(answer, await w.mint(job));
    expect(decodeClaims(await w.token())?.sub).toBe(identity);
  });

  test('CircleCI: the token of the job, whose audience the identity names', async () => {
    const w = await world();
    const job = { issuer: 'https://oidc.circleci.com/org/o1', subject: 'org/o1/project/p1/user/u1' };
    const identity = w.identity(literal(job.issuer, job.subject, 'o1'));
    w.host.env['CIRCLECI'] = 'true';
    w.host.env['CIRCLE_OIDC_TOKEN'] = await w.mint(job, 'o1');
    expect((await w.log({ identity })).identity).toBe(identity);
  });

  test('Google Cloud: the metadata server, asked for the issuer', async () => {
    const w = await world();
    const machine = { issuer: 'https://accounts.google.com', subject: '1234567890' };
    const identity = w.identity(literal(machine.issuer, machine.subject));
    const metadata = await stubServer();
    w.host.env['GCE_METADATA_HOST'] = new URL(metadata.url).host;
    const path = `/computeMetadata/v1/instance/service-accounts/default/identity?audience=${encodeURIComponent(w.issuer)}&format=full`;
    metadata.expect(`GET ${path}`, { body: await w.mint(machine) });
    expect((await w.log({ identity })).identity).toBe(identity);
    expect(metadata.requests[0]?.headers['metadata-flavor']).toBe('Google');
  });

  test.each([
    ['App Service', 'IDENTITY_ENDPOINT', '/msi/token?api-version=2019-08-01&resource=api%3A%2F%2Fapp-1&client_id=mine'],
    [
      'a virtual machine',
      'AZURE_POD_IDENTITY_AUTHORITY_HOST',
      '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2Fapp-1&client_id=mine',
    ],
  ])('Azure, %s: the managed identity, for the application that the identity names', async (_where, variable, path) => {
    const w = await world();
    const machine = { issuer: 'https://login.microsoftonline.com/tenant-1/v2.0', subject: 'principal-1' };
    const identity = w.identity(literal(machine.issuer, machine.subject, 'app-1'));
    const metadata = await stubServer();
    Object.assign(w.host.env, {
      CHAINCTL_AZURE_AUDIENCE: 'app-1',
      AZURE_CLIENT_ID: 'mine',
      IDENTITY_HEADER: 'the-secret',
    });
    w.host.env[variable] = variable === 'IDENTITY_ENDPOINT' ? `${metadata.url}/msi/token` : metadata.url;
    metadata.expect(`GET ${path}`, { body: { access_token: await w.mint(machine, 'app-1'), expires_in: '3600' } });
    expect((await w.log({ identity, preferAmbient: true })).identity).toBe(identity);
    const [header, value] =
      variable === 'IDENTITY_ENDPOINT' ? ['x-identity-header', 'the-secret'] : ['metadata', 'true'];
    expect(metadata.requests[0]?.headers[header]).toBe(value);
    metadata.expect(`GET ${path}`, { status: 400, body: { error: 'invalid_resource' } });
    await expect(w.log({ identity, preferAmbient: true })).rejects.toThrow(
      'Azure did not issue an identity token (HTTP 400)',
    );
    // The identity that the system assigns has no client id of its own to name; the application may be named by its URI.
    Object.assign(w.host.env, { AZURE_CLIENT_ID: '', CHAINCTL_AZURE_AUDIENCE: 'api://app-1' });
    metadata.expect(`GET ${path.replace('&client_id=mine', '')}`, {
      body: { access_token: await w.mint(machine, 'app-1') },
    });
    expect((await w.log({ identity, preferAmbient: true })).identity).toBe(identity);
  });

  test('Azure without the application: no token is asked for, and the variable is named', async () => {
    const w = await world();
    const metadata = await stubServer();
    const machine = { issuer: 'https://login.microsoftonline.com/tenant-1/v2.0', subject: 'principal-1' };
    Object.assign(w.host.env, {
      AZURE_CLIENT_ID: 'mine',
      IDENTITY_ENDPOINT: `${metadata.url}/msi/token`,
      IDENTITY_HEADER: 'the-secret',
    });
    const identity = w.identity(literal(machine.issuer, machine.subject, 'app-1'));
    await expect(w.log({ identity, preferAmbient: true })).rejects.toMatchObject({
      code: 'auth.no-identity-token',
      hint: expect.stringContaining('CHAINCTL_AZURE_AUDIENCE'),
    });
    expect(metadata.requests).toEqual([]);
  });

  test('AKS: neither the identity of the node nor the token that is for Entra alone; a projected one as in any cluster', async () => {
    const w = await world();
    const pod = {
      issuer: 'https://northeurope.oic.prod-aks.azure.com/t/c/',
      subject: 'system:serviceaccount:ci:builder',
    };
    const identity = w.identity(literal(pod.issuer, pod.subject));
    // Answers for the node; a request to it fails the test.
    const metadata = await stubServer();
    const forEntra = join(w.host.cwd, 'azure-identity-token');
    writeFileSync(forEntra, await w.mint(pod, 'api://AzureADTokenExchange'));
    Object.assign(w.host.env, {
      CHAINCTL_AZURE_AUDIENCE: 'app-1',
      AZURE_CLIENT_ID: 'mine',
      AZURE_TENANT_ID: 'tenant-1',
      AZURE_FEDERATED_TOKEN_FILE: forEntra,
      AZURE_AUTHORITY_HOST: metadata.url,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata.url,
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
    });
    const before = w.platform.log.length;
    for (const preferAmbient of [false, true]) {
      await expect(w.log({ identity, preferAmbient })).rejects.toMatchObject({
        code: 'auth.no-identity-token',
        hint: expect.stringContaining('project a service account token for the issuer into the pod'),
      });
    }
    expect(w.platform.log.length, 'the token went nowhere').toBe(before);
    const projected = join(w.host.cwd, 'token');
    writeFileSync(projected, await w.mint(pod));
    expect((await w.log({ identity, identityToken: projected })).identity).toBe(identity);
    expect(metadata.requests).toEqual([]);
  });

  test('a projected token that is replaced is read anew', async () => {
    const w = await world();
    const pod = { issuer: 'https://kubernetes.example', subject: 'system:serviceaccount:ci:builder' };
    const identity = w.identity(literal(pod.issuer, pod.subject));
    w.host.env['KUBERNETES_SERVICE_HOST'] = '10.0.0.1';
    await expect(w.log({ identity })).rejects.toMatchObject({ hint: expect.stringContaining('--identity-token') });
    const path = join(w.host.cwd, 'token');
    writeFileSync(path, await w.mint(pod));
    await w.log({ identity, identityToken: path });
    w.advance(3_600_000);
    writeFileSync(path, await w.mint(pod));
    expect(decodeClaims(await w.token())?.sub).toBe(identity);
  });

  test('--prefer-ambient-credentials beats a token that was given; without it the given one counts', async () => {
    const w = await world();
    const job = { issuer: 'https://oidc.circleci.com/org/o1', subject: 'org/o1/project/p1/user/u1' };
    const identity = w.identity(literal(job.issuer, job.subject, 'o1'));
    w.host.env['CIRCLECI'] = 'true';
    w.host.env['CIRCLE_OIDC_TOKEN'] = await w.mint(job, 'o1');
    const other = await w.mint({ ...job, subject: 'somebody else' }, 'o1');
    await expect(w.log({ identity, identityToken: other })).rejects.toThrow('invalid subject');
    expect((await w.log({ identity, identityToken: other, preferAmbient: true })).identity).toBe(identity);
  });
});

describe('AWS', () => {
  const arn = 'arn:aws:sts::123456789012:assumed-role/ci/run';
  const users = { AKIDEXAMPLE: { secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', arn, userId: 'AROAX:run' } };
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: users.AKIDEXAMPLE.secret };
  const rule: Relationship = {
    kind: 'awsIdentity',
    awsIdentity: { awsAccount: '123456789012', arn, userIdPattern: '^AROA(.*):(.*)$' },
  };

  test('signs as AWS’s own test suite does (get-vanilla)', () => {
    const header = authorization(credentials, {
      method: 'GET',
      path: '/',
      query: '',
      headers: { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' },
      region: 'us-east-1',
      service: 'service',
    });
    expect(header).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
        'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
  });

  test('variables, then a profile: signed, bound to identity and issuer, checked by AWS, re-made when it expires', async () => {
    const aws = await smallAws(users);
    const w = await world(aws.url);
    const identity = w.identity(rule);
    w.host.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
    w.host.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
    w.host.env['AWS_SESSION_TOKEN'] = 'session';
    expect((await w.log({ identity })).identity).toBe(identity);
    expect(aws.seen).toEqual(['sts.amazonaws.com']);
    w.advance(3_600_000);
    expect(decodeClaims(await w.token())?.sub).toBe(identity);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) delete w.host.env[name];
    const file = join(w.host.cwd, 'credentials');
    writeFileSync(
      file,
      `[default]\naws_access_key_id = no\n\n[work]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key=${credentials.secretAccessKey}\n`,
    );
    w.host.env['AWS_SHARED_CREDENTIALS_FILE'] = file;
    w.host.env['AWS_PROFILE'] = 'work';
    expect((await w.log({ identity })).identity).toBe(identity);
    w.host.env['AWS_PROFILE'] = 'none';
    await expect(w.log({ identity })).rejects.toThrow('No AWS credentials: profile "none" has none');
  });

  test('credentials of a container and of a machine', async () => {
    const aws = await smallAws(users);
    const w = await world(aws.url);
    const identity = w.identity(rule);
    const given = { AccessKeyId: 'AKIDEXAMPLE', SecretAccessKey: credentials.secretAccessKey, Token: 'session' };
    const container = await stubServer();
    w.host.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${container.url}/creds`;
    w.host.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = 'pod';
    container.expect('GET /creds', { body: given });
    expect((await w.log({ identity })).identity).toBe(identity);
    expect(container.requests[0]?.headers.authorization).toBe('pod');
    w.host.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = 'http://evil.example/creds';
    await expect(w.log({ identity })).rejects.toThrow('neither https nor on this machine');
    delete w.host.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
    const machine = await stubServer();
    w.host.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = machine.url;
    machine.expect('PUT /latest/api/token', { body: 'imds' });
    machine.expect('GET /latest/meta-data/iam/security-credentials/', { body: 'ci' });
    machine.expect('GET /latest/meta-data/iam/security-credentials/ci', { body: given });
    expect((await w.log({ identity })).identity).toBe(identity);
    expect(machine.requests[2]?.headers['x-aws-ec2-metadata-token']).toBe('imds');
  });

  test('requests that are changed, old, for somebody else, unsigned or not questions are refused before AWS is asked', async () => {
    const aws = await smallAws(users);
    const w = await world(aws.url);
    const identity = w.identity(rule);
    const good = { audience: w.issuer, identity };
    const make = (change: (text: string) => string, now = w.clock.now(), binding = good) =>
      Buffer.from(
        change(Buffer.from(awsIdentityToken(credentials, binding, now), 'base64').toString('latin1')),
      ).toString('base64');
    const refusal = async (token: string) => {
      const query = new URLSearchParams({ aud: w.api, identity });
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${w.issuer}/sts/exchange?${query}`, { method: 'POST', headers });
      return ((await response.json()) as { message?: string }).message ?? '';
    };
    const same = (text: string) => text;
    const minute = 60_000;
    const cases: readonly (readonly [string, string])[] = [
      [make(same, w.clock.now() - 16 * minute), 'expired'],
      [make(same, w.clock.now() + 6 * minute), 'in the future'],
      [make(same, w.clock.now(), { ...good, audience: 'https://other.example' }), 'another issuer'],
      [make(same, w.clock.now(), { ...good, identity: 'other' }), 'it is for the identity "other"'],
      [make((text) => text.replace('chainguard-identity;', '')), 'does not cover the header "chainguard-identity"'],
      [make((text) => text.replace('Accept:', 'Chainguard-Identity: x\r\nAccept:')), 'more than once'],
      [make((text) => text.replace('POST', 'GET')), 'not a POST'],
      [make((text) => text.replace('GetCallerIdentity', 'DeleteRole')), 'does not ask for the caller'],
      [make((text) => text.replace('Host: sts.amazonaws.com', 'Host: evil.example')), 'not a request to AWS'],
      [make((text) => `${text}body`), 'it has a body'],
      ['no!', ''],
    ];
    for (const [token, reason] of cases) expect(await refusal(token), reason).toContain(reason);
    expect(aws.seen).toEqual([]);
    expect(await refusal(make((text) => text.replace('Accept: application/json', 'Accept: text/json')))).toContain(
      'AWS does not accept it',
    );
    expect(await refusal(make(same))).toBe('');
  });

  test('the default profile of AWS’s files, without a variable: when asked for, and when nobody is there', async () => {
    const aws = await smallAws(users);
    const w = await world(aws.url);
    const identity = w.identity(rule);
    const folder = join(w.host.home(), '.aws');
    mkdirSync(folder);
    writeFileSync(join(folder, 'config'), '[profile default-of-others]\nregion = eu-west-1\n');
    await expect(w.log({ identity })).rejects.toMatchObject({ code: 'auth.no-terminal' });
    const keys = `aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = ${credentials.secretAccessKey}\n`;
    writeFileSync(join(folder, 'credentials'), `[default]\n${keys}aws_session_token = session\n`);
    expect((await w.log({ identity })).identity).toBe(identity);
    expect((await w.log({ identity, preferAmbient: true, allowBrowser: true })).identity).toBe(identity);
    w.advance(3_600_000);
    expect(decodeClaims(await w.token())?.sub).toBe(identity);
    // On a terminal without the flag it is the person who is asked.
    await expect(login(w.host, await loadConfig(w.host), { identity })).rejects.toMatchObject({
      code: 'auth.code-expired',
    });
    // What says more about the place comes first.
    w.host.env['CHAINCTL_AZURE_AUDIENCE'] = 'app';
    w.host.env['IDENTITY_ENDPOINT'] = 'http://127.0.0.1:9/token';
    w.host.env['IDENTITY_HEADER'] = 'secret';
    expect(ambientProvider(w.host)?.name).toBe('azure');
  });

  test('a person’s own profile counts only when it is asked for', async () => {
    const w = await world();
    w.host.env['AWS_PROFILE'] = 'work';
    const identity = w.identity(rule);
    // Nobody comes, but somebody was asked to.
    await expect(login(w.host, await loadConfig(w.host), { identity })).rejects.toMatchObject({
      code: 'auth.code-expired',
    });
    await expect(w.log({ identity, preferAmbient: true })).rejects.toThrow('No AWS credentials');
  });
});
