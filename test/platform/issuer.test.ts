// Discovery, keys, access tokens, and the tokens of simulated third parties.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { developerToken, mintThirdPartyToken, type ThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { publicKeys, signingKey } from '../../src/local/keys/signing-keys.ts';
import { allMigrations } from '../../src/local/modules.ts';
import { startPlatform } from '../../src/local/platform.ts';
import { openStore } from '../../src/local/store/database.ts';
import { githubToken, gitlabToken } from '../../src/trust/ci-claims.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, temporaryFolder } from '../support/platform.ts';

const dev = personId('dev@example.com');

test('discovery lists what is served, under the issuer it names', async () => {
  const { urls, call } = await startTestPlatform();
  const { status, body } = await call(undefined, 'GET', '/.well-known/openid-configuration');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    issuer: urls.issuer,
    authorization_endpoint: `${urls.issuer}/oauth`,
    jwks_uri: `${urls.issuer}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
  });
  expect(body.device_authorization_endpoint).toBe(`${urls.issuer}/oauth/device/code`);
  const keys = await call(undefined, 'GET', new URL(body.jwks_uri).pathname);
  expect(keys.body.keys).toHaveLength(1);
  const [key] = keys.body.keys;
  expect(key).toEqual({
    kty: 'RSA',
    alg: 'RS256',
    use: 'sig',
    kid: expect.stringMatching(/^[0-9a-f]{64}$/),
    n: expect.any(String),
    e: 'AQAB',
  });
  expect(Buffer.from(key.n, 'base64url')).toHaveLength(256);
  for (const path of ['/.well-known/openid-configuration', '/.well-known/jwks.json']) {
    const head = await fetch(`${urls.issuer}${path}`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await call(undefined, 'POST', path);
    expect([post.status, post.body.code]).toEqual([501, 12]);
  }
});

test('keys are made once and survive a restart, retired ones stay published for a day', async () => {
  const clock = new TestClock();
  const store = openStore(join(temporaryFolder(), 'keys.db'), allMigrations(), clock);
  const made = await Promise.all([signingKey(store, 'platform'), signingKey(store, 'platform')]);
  expect(made[0].kid).toBe(made[1].kid);
  expect(publicKeys(store, 'platform').map(({ kid }) => kid)).toEqual([made[0].kid]);
  store.transact((tx) => tx.run('UPDATE signing_keys SET retired_at = ?', tx.now));
  clock.advance(1000);
  const next = await signingKey(store, 'platform');
  expect(publicKeys(store, 'platform').map(({ kid }) => kid)).toEqual([next.kid, made[0].kid]);
  clock.advance(24 * 60 * 60 * 1000);
  expect(publicKeys(store, 'platform').map(({ kid }) => kid)).toEqual([next.kid]);
  store.close();
});

describe('access tokens', () => {
  const refused = async (platform: Awaited<ReturnType<typeof startTestPlatform>>, token: string) => {
    const { status, body, headers } = await platform.call(token, 'GET', '/auth/v1/ok');
    expect([status, body.code]).toEqual([401, 16]);
    expect(headers.get('www-authenticate')).toBe(body.message);
    return body.message;
  };

  test('are good until their expiry and not a moment longer', async () => {
    const clock = new TestClock(Date.parse('2026-03-27T13:55:00Z'));
    const platform = await startTestPlatform({ clock });
    const token = await platform.token(dev);
    clock.advance(3_599_999);
    expect((await platform.call(token, 'GET', '/auth/v1/ok')).status).toBe(200);
    clock.advance(1);
    expect(await refused(platform, token)).toBe(
      'verifying token: oidc: token is expired (Token Expiry: 2026-03-27 14:55:00 +0000 UTC)',
    );
  });

  test('are ours alone: no other key, algorithm, issuer or kind of token will do', async () => {
    const platform = await startTestPlatform();
    const good = await platform.token(dev);
    const claims = decodeJwt(good);
    const { kid = '' } = decodeProtectedHeader(good);
    const [, payload, signature] = good.split('.');
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const stranger = (await generateKeyPair('RS256')).privateKey;
    const sign = (body: object, key = stranger, alg = 'RS256') =>
      new SignJWT({ ...body }).setProtectedHeader({ alg, kid }).sign(key);

    expect(await refused(platform, 'x')).toBe('verifying token: it is not a JSON Web Token');
    expect(await refused(platform, `${encode({ alg: 'none', kid })}.${payload}.`)).toContain('"none" is not accepted');
    expect(await refused(platform, `${encode({ alg: 'RS512', kid })}.${payload}.${signature}`)).toContain(
      '"RS512" is not accepted',
    );
    expect(await refused(platform, await sign(claims))).toContain('its signature is not by a key of its issuer');
    expect(await refused(platform, await sign({ ...claims, iss: 'https://issuer.enforce.dev' }))).toBe(
      'the token is not from this platform',
    );
    const thirdParty = await mintThirdPartyToken(platform.store, {
      issuer: platform.urls.issuer,
      subject: dev,
      audience: platform.urls.api,
      now: Date.parse('2026-03-27T13:55:00Z'),
    });
    expect(await refused(platform, thirdParty)).toContain('verifying token: ');
    const weak = (await generateKeyPair('ES256')).privateKey;
    expect(await refused(platform, await sign(claims, weak, 'ES256'))).toContain('"ES256" is not accepted');
  });

  test('are read back as the caller they were made for', async () => {
    const platform = await startTestPlatform();
    const ceiling = new Map([[demoOrganizations.private, new Set(['groups.list', 'repo.list'])]]);
    const { body } = await platform.call(await platform.token(dev, { ceiling }), 'GET', '/auth/v1/ok');
    expect(body).toMatchObject({
      issuer: platform.urls.issuer,
      subject: dev,
      audience: [platform.urls.api],
      email: 'dev@example.com',
      expiry: '2026-03-27T14:55:00Z',
      issuedAt: '2026-03-27T13:55:00Z',
    });
  });
});

describe('simulated third parties', () => {
  test('GitHub tokens say what a workflow run is', () => {
    expect(githubToken({ repo: 'acme/app', ref: 'refs/heads/main' })).toMatchObject({
      issuer: 'https://token.actions.githubusercontent.com',
      subject: 'repo:acme/app:ref:refs/heads/main',
      claims: {
        repository: 'acme/app',
        repository_owner: 'acme',
        ref: 'refs/heads/main',
        ref_type: 'branch',
        event_name: 'push',
        actor: 'octocat',
        workflow: 'ci',
        sha: expect.stringMatching(/^[0-9a-f]{40}$/),
        run_id: expect.stringMatching(/^\d+$/),
        job_workflow_ref: 'acme/app/.github/workflows/ci.yaml@refs/heads/main',
      },
    });
    const tag = githubToken({ repo: 'acme/app', ref: 'refs/tags/v1' });
    expect([tag.subject, tag.claims['ref_type']]).toEqual(['repo:acme/app:ref:refs/tags/v1', 'tag']);
    const pull = githubToken({ repo: 'acme/app', ref: 'refs/pull/7/merge' });
    expect([pull.subject, pull.claims['event_name']]).toEqual(['repo:acme/app:pull_request', 'pull_request']);
    const deploy = githubToken({ repo: 'acme/app', ref: 'refs/heads/main', environment: 'prod' });
    expect([deploy.subject, deploy.claims['environment']]).toEqual(['repo:acme/app:environment:prod', 'prod']);
    const ids = githubToken({ repo: 'acme@7/app@42', ref: 'refs/heads/main' });
    expect(ids.subject).toBe('repo:acme@7/app@42:ref:refs/heads/main');
    expect(ids.claims).toMatchObject({ repository: 'acme/app', repository_id: '42', repository_owner_id: '7' });
  });

  test('GitLab tokens say what a job is', () => {
    expect(gitlabToken({ projectPath: 'acme/team/app', ref: 'main', refType: 'branch' })).toMatchObject({
      issuer: 'https://gitlab.com',
      subject: 'project_path:acme/team/app:ref_type:branch:ref:main',
      claims: { namespace_path: 'acme/team', project_path: 'acme/team/app', ref: 'main', ref_path: 'refs/heads/main' },
    });
  });

  test('developers are the people of the sign-in page, addresses in lower case', () => {
    expect(developerToken('Dev@Example.com')).toEqual(developerToken('dev@example.com'));
    expect(developerToken('dev@example.com')).toMatchObject({
      issuer: 'https://auth.chainguard.dev/',
      claims: { email: 'dev@example.com', email_verified: true, name: 'Dev Example' },
    });
  });

  test('what nobody signs is a usage error in one sentence', async () => {
    const wrong = [
      () => githubToken({ repo: 'acme', ref: 'refs/heads/main' }),
      () => githubToken({ repo: 'acme/app/x', ref: 'refs/heads/main' }),
      () => githubToken({ repo: 'acme/app', ref: 'main' }),
      () => gitlabToken({ projectPath: 'app', ref: 'main', refType: 'branch' }),
      () => developerToken('nobody'),
    ];
    for (const make of wrong) expect(make).toThrow(expect.objectContaining({ kind: 'usage' }));
    const store = openStore(':memory:', allMigrations(), new TestClock());
    const token: ThirdPartyToken = { issuer: 'https://x.example', subject: 'x', audience: 'x', now: 0 };
    for (const part of [{ issuer: 'platform' }, { issuer: 'https://x?y' }, { subject: '' }, { ttlSeconds: 1.5 }]) {
      await expect(mintThirdPartyToken(store, { ...token, ...part })).rejects.toMatchObject({ kind: 'usage' });
    }
    store.close();
  });

  test('claims of the caller cannot replace those of the issuer', async () => {
    const store = openStore(':memory:', allMigrations(), new TestClock());
    const token = await mintThirdPartyToken(store, {
      issuer: 'https://x.example',
      subject: 'robot',
      audience: ['a', 'b'],
      claims: { sub: 'root', iss: 'y', exp: 9_999_999_999, environment: 'prod' },
      ttlSeconds: 60,
      now: 1_000_000,
    });
    expect(decodeJwt(token)).toMatchObject({
      iss: 'https://x.example',
      sub: 'robot',
      aud: ['a', 'b'],
      environment: 'prod',
      iat: 1000,
      exp: 1060,
    });
    store.close();
  });

  test('another process can mint while the platform runs, and when it does not', async () => {
    const dataDir = temporaryFolder();
    const platform = await startPlatform({ dataDir, seed: 'demo' });
    const identity = `${demoOrganizations.private}/00000000000000ab`;
    platform.store.transact((tx) =>
      insertIdentity(tx, {
        id: identity,
        name: 'x',
        description: '',
        relationship: { kind: 'claimMatch', claimMatch: { issuer: 'https://ci.example', subject: 'robot' } },
      }),
    );
    const path = join(dataDir, 'platform.db');
    const exchange = async (token: string, issuer: string) => {
      const query = new URLSearchParams({ aud: 'cgr.dev', identity });
      const answer = await fetch(`${issuer}/sts/exchange?${query}`, {
        method: 'POST',
        // A kept connection would lead to the platform before.
        headers: { authorization: `Bearer ${token}`, connection: 'close' },
      });
      return answer.status;
    };
    // The issuer's first key is made by the other process.
    const token = mintElsewhere(path, platform.urls.issuer);
    expect(await exchange(token, platform.urls.issuer)).toBe(200);
    await platform.stop();
    const whileStopped = mintElsewhere(path, platform.urls.issuer);
    expect(decodeProtectedHeader(whileStopped).kid).toBe(decodeProtectedHeader(token).kid);
    const again = await startPlatform({ dataDir, seed: 'demo' });
    expect(again.urls.issuer).toBe(platform.urls.issuer);
    expect(await exchange(whileStopped, again.urls.issuer)).toBe(200);
    await again.stop();
  });
});

/** A token of `https://ci.example`, minted by a process that knows nothing but the database. */
function mintElsewhere(database: string, audience: string): string {
  const script = fileURLToPath(new URL('../support/mint-token.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, database, audience], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

test('an OIDC library that we did not write verifies our tokens from discovery alone', async () => {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const configuration = await (await fetch(`${platform.urls.issuer}/.well-known/openid-configuration`)).json();
  expect(configuration).toMatchObject({ issuer: platform.urls.issuer });
  const { jwks_uri: jwksUri, issuer } = configuration as { jwks_uri: string; issuer: string };
  const { payload } = await jwtVerify(await platform.token(dev), createRemoteJWKSet(new URL(jwksUri)), {
    issuer,
    audience: platform.urls.api,
    algorithms: ['RS256'],
    currentDate: new Date(clock.now()),
  });
  expect(payload.sub).toBe(dev);
});
