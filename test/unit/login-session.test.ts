// Logins and what becomes of them, against the real issuer of a local platform.

import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { closeTransport } from '../../src/api/transport.ts';
import { readIdentityToken } from '../../src/auth/identity-token.ts';
import { decodeClaims } from '../../src/auth/jwt.ts';
import { type LoginOptions, login } from '../../src/auth/login.ts';
import { accessToken, audienceOfRegistry, logout, type SessionOptions } from '../../src/auth/session.ts';
import { audiencePath, listAudiences, readTokens, writeTokens } from '../../src/auth/token-cache.ts';
import { type Config, loadConfig } from '../../src/config/load.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { developerToken, mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { githubToken } from '../../src/trust/ci-claims.ts';
import { signInAs } from '../support/browser.ts';
import { FakeHost, type FakeHostOptions } from '../support/fake-host.ts';
import { builtInRoleId, demoOrganizations } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { stubServer } from '../support/stub-server.ts';
import { makeRefreshToken, makeToken } from '../support/tokens.ts';

// Processes and sockets on a machine that others use as well.
vi.setConfig({ testTimeout: 30_000 });

const hour = 3_600_000;
const hosts: FakeHost[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) {
    await closeTransport(host);
    host.dispose();
  }
});

interface World {
  readonly platform: TestPlatform;
  readonly host: FakeHost;
  readonly config: Config;
  readonly api: string;
  readonly registry: string;
  /** Both clocks: the platform's and the machine's. */
  advance(ms: number): void;
  log(options?: LoginOptions): ReturnType<typeof login>;
  token(audience?: string, options?: SessionOptions): Promise<string>;
  /** Requests to the token exchange so far. */
  exchanges(): string[];
}

async function world(options: FakeHostOptions = {}): Promise<World> {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const { api, issuer, registry } = platform.urls;
  const env = {
    CHAINGUARD_PLATFORM_API: api,
    CHAINGUARD_PLATFORM_ISSUER: issuer,
    CHAINGUARD_PLATFORM_REGISTRY: registry,
  };
  const host = new FakeHost({ now: clock.now(), ...options, env: { ...env, ...options.env } });
  hosts.push(host);
  const config = await loadConfig(host);
  return {
    platform,
    host,
    config,
    api,
    registry: audienceOfRegistry(registry),
    advance: (ms) => {
      clock.advance(ms);
      host.advance(ms);
    },
    log: (more) => login(host, config, more),
    token: (audience = api, more) => accessToken(host, config, audience, more),
    exchanges: () => platform.log.filter(({ path }) => path.startsWith('/sts/')).map(({ path }) => path),
  };
}

const developer = ({ platform, host }: World) =>
  mintThirdPartyToken(platform.store, {
    audience: platform.urls.issuer,
    now: host.now(),
    ...developerToken('dev@example.com'),
  });

const workflow = ({ platform, host }: World, ref = 'refs/heads/main') =>
  mintThirdPartyToken(platform.store, {
    audience: platform.urls.issuer,
    now: host.now(),
    ...githubToken({ repo: 'acme/app', ref }),
  });

function workflowIdentity({ platform }: World): string {
  const id = `${demoOrganizations.private}/${'c'.repeat(16)}`;
  platform.store.transact((tx) => {
    insertIdentity(tx, {
      id,
      name: 'my-app',
      description: '',
      relationship: {
        kind: 'claimMatch',
        claimMatch: {
          issuer: 'https://token.actions.githubusercontent.com',
          subject: 'repo:acme/app:ref:refs/heads/main',
        },
      },
    });
    bindRole(tx, { group: demoOrganizations.private, identity: id, role: builtInRoleId('registry.pull') });
  });
  return id;
}

const asDeveloper = (url: string) => signInAs(url, 'dev@example.com').then(() => true);

test('a local login for an audience of production is refused before anybody signs in, and is never used there', async () => {
  const w = await world();
  const production = 'https://console-api.enforce.dev';
  const exp = (w.host.now() + hour) / 1000;
  const theirs = makeToken({ iss: 'https://issuer.enforce.dev', sub: 'a', aud: production, exp });
  writeTokens(w.host, production, { token: theirs, refreshToken: null });
  const before = w.exchanges().length;
  await expect(w.log({ audience: [production] })).rejects.toMatchObject({
    code: 'local.foreign-login',
    hint: expect.stringContaining('XDG_CACHE_HOME'),
  });
  expect(w.exchanges()).toHaveLength(before);
  expect(readTokens(w.host, production).token).toBe(theirs);

  // The other way round: what a local platform issued is no login at production.
  const ours = makeToken({ iss: 'http://127.0.0.1:4711', sub: 'b', aud: w.api, exp });
  writeTokens(w.host, w.api, { token: ours, refreshToken: null });
  await expect(w.token(w.api, { issuer: 'https://issuer.enforce.dev' })).rejects.toMatchObject({
    code: 'auth.no-login',
  });
  // Another local platform may have it, as before.
  expect(await w.token(w.api)).toBe(ours);
});

describe('with an identity token', () => {
  test('a literal: one token for each audience, each stored', async () => {
    const w = await world();
    const result = await w.log({ identityToken: await developer(w), audience: [w.api, w.registry, w.api] });
    expect(result.email).toBe('dev@example.com');
    expect(result.identity).toMatch(/^[0-9a-f]{40}$/);
    expect(result.tokens.map(({ audience }) => audience)).toEqual([w.api, w.registry]);
    expect(listAudiences(w.host)).toEqual([w.api, w.registry].toSorted());
    expect(readTokens(w.host, w.api).token).toBe(result.tokens[0]?.token);
    expect(await w.token(w.registry)).toBe(result.tokens[1]?.token);
    expect(result.tokens[0]?.expiresAt).toBeGreaterThan(w.host.now());
  });

  test('an identity is assumed; another branch is refused in the issuer’s words', async () => {
    const w = await world();
    const identity = workflowIdentity(w);
    const result = await w.log({ identity, identityToken: await workflow(w), audience: [w.registry] });
    expect(result.identity).toBe(identity);
    await expect(w.log({ identity, identityToken: await workflow(w, 'refs/heads/dev') })).rejects.toMatchObject({
      kind: 'auth',
      number: 101,
      message: expect.stringMatching(/^unable to exchange tokens: .*refs\/heads\/dev/),
    });
    expect(readTokens(w.host, w.api).token).toBeUndefined();
  });

  test('expired, malformed and of a wrong issuer: one sentence, nothing stored', async () => {
    const w = await world();
    const expired = await developer(w);
    w.advance(2 * hour);
    await expect(w.log({ identityToken: expired })).rejects.toMatchObject({ kind: 'auth', number: 101 });
    await expect(w.log({ identityToken: 'aaaa.bbbb.cccc' })).rejects.toMatchObject({ number: 101 });
    await expect(w.log({ identityToken: makeToken({ iss: 'http://127.0.0.1:9', exp: 9e9 }) })).rejects.toMatchObject({
      number: 101,
    });
    expect(listAudiences(w.host)).toEqual([]);
    expect(existsSync(join(w.host.home(), '.cache', 'chainguard', '.locks'))).toBe(false);
  });

  test('a path wins over a literal and is remembered; a pipe is read but not remembered', async () => {
    const w = await world();
    writeFileSync(join(w.host.cwd, 'a.b.c'), `${await developer(w)}\n`);
    await w.log({ identityToken: 'a.b.c' });
    expect(readTokens(w.host, w.api).record?.source).toEqual({ kind: 'file', path: join(w.host.cwd, 'a.b.c') });
    expect(readIdentityToken(w.host, 'x.y.z')).toEqual({ tokens: ['x.y.z'], source: { kind: 'token' } });
    writeFileSync(join(w.host.cwd, 'empty'), '\n');
    expect(() => readIdentityToken(w.host, 'empty')).toThrow('holds no token');
    expect(() => readIdentityToken(w.host, './none')).toThrow('"./none" is neither a token nor the path of a file');
    expect(() => readIdentityToken(w.host, 'hunter2')).toThrow('The value of `--identity-token` is neither');
    expect(() => readIdentityToken(w.host, w.host.cwd)).toThrow('is neither a token');
  });

  test('GitHub Actions hands out the token when only the identity is named', async () => {
    const w = await world();
    const identity = workflowIdentity(w);
    const actions = await stubServer();
    const aud = encodeURIComponent(w.platform.urls.issuer);
    w.host.env['GITHUB_ACTIONS'] = 'true';
    await expect(w.log({ identity })).rejects.toMatchObject({ hint: expect.stringContaining('id-token: write') });
    w.host.env['ACTIONS_ID_TOKEN_REQUEST_URL'] = `${actions.url}/token?api-version=2`;
    w.host.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] = 'runner';
    actions.expect(`GET /token?api-version=2&audience=${aud}`, { body: { value: await workflow(w) } });
    expect((await w.log({ identity })).identity).toBe(identity);
    expect(actions.requests[0]?.headers.authorization).toBe('bearer runner');
    // An hour later the same way makes the next token.
    w.advance(hour);
    actions.expect(`GET /token?api-version=2&audience=${aud}`, { body: { value: await workflow(w) } });
    expect(decodeClaims(await w.token())?.sub).toBe(identity);
    actions.expect(`GET /token?api-version=2&audience=${aud}`, { status: 403, body: 'no' });
    await expect(w.log({ identity })).rejects.toThrow('GitHub did not issue an identity token (HTTP 403)');
  });

  test('options that make no sense', async () => {
    const w = await world();
    await expect(w.log({ identity: 'my-app' })).rejects.toMatchObject({ kind: 'usage' });
    await expect(w.log({ identityProvider: 'x', orgName: 'y' })).rejects.toThrow('exclude each other');
    await expect(w.log({ allowBrowser: false })).rejects.toMatchObject({
      kind: 'auth',
      message: expect.stringContaining('login'),
    });
    await expect(w.log({ socialLogin: 'myspace' })).rejects.toThrow('"myspace" is not a social login');
    expect(w.host.opened).toEqual([]);
  });
});

describe('with a browser', () => {
  test('one round for the first audience, the refresh token for the second', async () => {
    const w = await world({ browser: asDeveloper });
    const result = await w.log({ audience: [w.api, w.registry] });
    expect(result.email).toBe('dev@example.com');
    expect(w.host.opened).toHaveLength(1);
    expect(w.host.stderr.text).toMatch(/^Opening browser to http:\/\/127\.0\.0\.1:\d+\/oauth\?/);
    expect(w.host.stdout.text).toBe('');
    expect(readTokens(w.host, w.api).refreshToken).toBeDefined();
    expect(readTokens(w.host, w.registry)).toMatchObject({
      refreshToken: undefined,
      record: { source: { kind: 'browser' } },
    });
    // What is kept is the rotated token, still good.
    w.advance(hour);
    expect(decodeClaims(await w.token())?.sub).toBe(result.identity);
    expect(decodeClaims(await w.token(w.registry))?.aud).toBe(w.registry);
  });

  test('a login that was cancelled on the page', async () => {
    const w = await world({ browser: (url) => signInAs(url, undefined).then(() => true) });
    await expect(w.log()).rejects.toMatchObject({ kind: 'auth', code: 'auth.denied' });
    expect(listAudiences(w.host)).toEqual([]);
  });

  test('an unknown account is registered only after a yes', async () => {
    const w = await world({ browser: (url) => signInAs(url, 'new@example.com').then(() => true) });
    await expect(w.log()).rejects.toMatchObject({ code: 'auth.no-account' });
    await expect(w.log({ register: async () => false })).rejects.toMatchObject({ code: 'auth.no-account' });
    expect((await w.log({ register: async () => true })).email).toBe('new@example.com');
    expect(w.host.opened.map((url) => new URL(url).searchParams.get('skip_registration'))).toEqual([
      'true',
      'true',
      'true',
      null,
    ]);
  });

  test('without refresh tokens every audience is a round of its own', async () => {
    const w = await world({ browser: asDeveloper, env: { CHAINGUARD_DEFAULT_USE_REFRESH_TOKEN: 'false' } });
    await w.log({ audience: [w.api, w.registry] });
    expect(w.host.opened).toHaveLength(2);
    expect(readTokens(w.host, w.api).refreshToken).toBeUndefined();
  });

  test('no browser opens for a token that could not be kept', async () => {
    const w = await world({ browser: asDeveloper });
    writeFileSync(join(w.host.home(), '.cache'), 'in the way');
    await expect(w.log()).rejects.toMatchObject({
      kind: 'local',
      message: expect.stringMatching(/^Cannot read .* is a file$/),
    });
    expect(w.host.opened).toEqual([]);
  });

  test('an organization is checked before the browser opens', async () => {
    const w = await world({ browser: asDeveloper });
    await expect(w.log({ orgName: 'nobody.example' })).rejects.toMatchObject({ kind: 'not-found' });
    expect(w.host.opened).toEqual([]);
  });
});

describe('keeping a session', () => {
  test('a token with more than a minute left is used; then it is refreshed and the pair rotated', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    const before = readTokens(w.host, w.api);
    const asked = w.exchanges().length;
    w.advance(hour - 61_000);
    expect(await w.token()).toBe(before.token);
    expect(w.exchanges()).toHaveLength(asked);
    w.advance(2_000);
    const renewed = await w.token();
    const after = readTokens(w.host, w.api);
    expect(renewed).toBe(after.token);
    expect(renewed).not.toBe(before.token);
    expect(after.refreshToken).not.toBe(before.refreshToken);
    expect(after.record).toEqual(before.record);
    for (let i = 0; i < 3; i += 1) {
      w.advance(hour);
      await w.token();
    }
  });

  test('a refused token is renewed once, by whoever comes first', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    const before = readTokens(w.host, w.api).token;
    const asked = w.exchanges().length;
    // Tokens of one second are the same bytes.
    w.advance(1_000);
    const renewed = await Promise.all(Array.from({ length: 5 }, () => w.token(w.api, { renew: true })));
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(before);
    expect(w.exchanges()).toHaveLength(asked + 1);
  });

  test('a refused token says whether it has ended or is no longer accepted', async () => {
    const w = await world();
    await w.log({ identityToken: await developer(w) });
    const refused = () => w.token(w.api, { renew: true }).catch((error: Error) => error.message);
    expect(await refused()).toBe(`Not authenticated: the login for "${w.api}" is no longer accepted`);
    w.advance(hour);
    expect(await refused()).toBe(`Not authenticated: the login for "${w.api}" has expired`);
  });

  test('twenty at once on an expired token: one refresh, twenty right answers', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    w.advance(hour);
    const asked = w.exchanges().length;
    const tokens = await Promise.all(Array.from({ length: 20 }, () => w.token()));
    expect(new Set(tokens).size).toBe(1);
    expect(w.exchanges()).toHaveLength(asked + 1);
  });

  test('another audience comes from the refresh token of the API’s login, which stays whole', async () => {
    const w = await world({ browser: asDeveloper });
    const { identity } = await w.log();
    const token = await w.token(w.registry);
    expect(decodeClaims(token)).toMatchObject({ aud: w.registry, sub: identity });
    expect(readTokens(w.host, w.registry).refreshToken).toBeUndefined();
    w.advance(hour);
    // In any order, and again: the rotated token is never spent twice.
    const all = await Promise.all([w.token(w.registry), w.token(), w.token(w.registry), w.token()]);
    expect(new Set(all).size).toBe(2);
    w.advance(hour);
    await w.token(w.registry);
    await w.token();
  });

  test('another audience comes from the file of the API’s login as well, for the same identity only', async () => {
    const w = await world();
    const identity = workflowIdentity(w);
    const path = join(w.host.cwd, 'token.jwt');
    writeFileSync(path, await workflow(w));
    await w.log({ identity, identityToken: path });
    const token = await w.token(w.registry);
    expect(decodeClaims(token)).toMatchObject({ sub: identity, aud: w.registry });
    expect(readTokens(w.host, w.registry).record?.source).toEqual({ kind: 'file', path });
    expect(await w.token(w.registry)).toBe(token);
    expect(w.exchanges()).toHaveLength(2);

    // The file may be another identity's by now; the login does not become that one's.
    const plain = await world();
    const file = join(plain.host.cwd, 'token.jwt');
    writeFileSync(file, await developer(plain));
    await plain.log({ identityToken: file });
    const guest = {
      ...developerToken('guest@example.com'),
      audience: plain.platform.urls.issuer,
      now: plain.host.now(),
    };
    writeFileSync(file, await mintThirdPartyToken(plain.platform.store, guest));
    await expect(plain.token(plain.registry)).rejects.toMatchObject({
      details: ['The identity token now belongs to another identity than this login'],
    });

    // Somebody else's for this audience, over by now, is not replaced.
    await w.log({ identityToken: await developer(w), audience: ['apk.cgr.dev'] });
    w.advance(hour);
    writeFileSync(path, await workflow(w));
    await expect(w.token('apk.cgr.dev')).rejects.toMatchObject({ code: 'auth.no-login' });
    rmSync(path);
    await expect(w.token('libraries.cgr.dev')).rejects.toMatchObject({ code: 'auth.no-login' });
  });

  test('an assumed identity is minted again from its file, not from somebody else’s refresh token', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    const identity = workflowIdentity(w);
    const path = join(w.host.cwd, 'token');
    writeFileSync(path, await workflow(w));
    await w.log({ identity, identityToken: path, audience: [w.registry] });
    w.advance(2 * hour);
    await expect(w.token(w.registry)).rejects.toMatchObject({ kind: 'auth', code: 'auth.no-login' });
    writeFileSync(path, await workflow(w));
    expect(decodeClaims(await w.token(w.registry))?.sub).toBe(identity);
    rmSync(path);
    w.advance(2 * hour);
    await expect(w.token(w.registry)).rejects.toMatchObject({
      message: `Not authenticated: the login for "${w.registry}" has expired`,
      hint: `run \`chainctl auth login --audience=${w.registry}\``,
    });
    expect(JSON.stringify(readdirSync(audiencePath(w.host, w.registry)))).not.toContain('tmp');
    expect(readFileSync(join(audiencePath(w.host, w.registry), 'login.json'), 'utf8')).not.toContain('eyJ');
  });

  test('no login at all', async () => {
    const w = await world();
    await expect(w.token()).rejects.toMatchObject({
      kind: 'auth',
      message: `Not authenticated: no login for "${w.api}"`,
      hint: 'run `chainctl auth login`',
    });
    expect(w.exchanges()).toEqual([]);
  });

  test('a browser opens only when allowed, and once for all who wait', async () => {
    const w = await world({ browser: asDeveloper });
    await expect(w.token()).rejects.toMatchObject({ kind: 'auth' });
    expect(w.host.opened).toEqual([]);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => w.token(w.api, { allowLogin: true })));
    expect(new Set(tokens).size).toBe(1);
    expect(w.host.opened).toHaveLength(1);
    const never = await world({ browser: asDeveloper, env: { CHAINGUARD_DEFAULT_SKIP_AUTO_LOGIN: 'true' } });
    await expect(never.token(never.api, { allowLogin: true })).rejects.toMatchObject({ kind: 'auth' });
    expect(never.host.opened).toEqual([]);
  });

  test('a refresh token that was spent elsewhere is forgotten, and the reason told', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    const { token, refreshToken } = readTokens(w.host, w.api);
    w.advance(hour);
    await w.token();
    writeTokens(w.host, w.api, { token: token ?? '', refreshToken });
    await expect(w.token()).rejects.toMatchObject({
      kind: 'auth',
      details: [expect.stringContaining('has been used before')],
    });
    expect(readTokens(w.host, w.api).refreshToken).toBeUndefined();
    const asked = w.exchanges().length;
    await expect(w.token()).rejects.toMatchObject({ kind: 'auth' });
    expect(w.exchanges()).toHaveLength(asked);
  });

  test('a refresh token goes to no issuer but its own', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    w.advance(hour);
    // Nothing may reach it: the stub fails the test on any request.
    const other = await stubServer();
    const config = await loadConfig(w.host, { overrides: { 'platform.issuer': other.url } });
    await expect(accessToken(w.host, config, w.api)).rejects.toMatchObject({ kind: 'auth' });
    await expect(accessToken(w.host, config, w.registry)).rejects.toMatchObject({ kind: 'auth' });
    expect(readTokens(w.host, w.api).refreshToken).toBeDefined();
    // Left by another tool there is no record; then the token beside it says who issued it.
    rmSync(join(audiencePath(w.host, w.api), 'login.json'));
    await expect(accessToken(w.host, config, w.api)).rejects.toMatchObject({ kind: 'auth' });
    expect(decodeClaims(await w.token())?.aud).toBe(w.api);
  });

  test('an issuer that is down keeps the session, and says so', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log();
    await w.platform.stop();
    w.advance(hour);
    await expect(w.token()).rejects.toMatchObject({ kind: 'network' });
    expect(readTokens(w.host, w.api).refreshToken).toBeDefined();
  });

  test('rubbish in the cache is no login', async () => {
    const w = await world();
    writeTokens(w.host, w.api, { token: 'rubbish', refreshToken: 'more rubbish' });
    await expect(w.token()).rejects.toMatchObject({ kind: 'auth', code: 'auth.no-login' });
    writeTokens(w.host, w.api, { token: 'rubbish', refreshToken: makeRefreshToken(w.host.now() + hour) });
    await expect(w.token()).rejects.toMatchObject({ kind: 'auth', code: 'auth.no-login' });
    expect(w.exchanges()).toEqual([]);
  });

  test('logging out forgets one audience or all', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log({ audience: [w.api, w.registry, 'apk.cgr.dev'] });
    expect(await logout(w.host, w.registry)).toBe(true);
    expect(await logout(w.host, w.registry)).toBe(false);
    expect(listAudiences(w.host)).toHaveLength(2);
    expect(await logout(w.host)).toBe(true);
    expect(listAudiences(w.host)).toEqual([]);
    expect(await logout(w.host)).toBe(false);
  });

  test('logging out removes what it would not use: tokens that others can read, and damaged ones', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log({ audience: [w.api, w.registry] });
    const files = [w.api, w.registry].map((audience) => join(audiencePath(w.host, audience), 'oidc-token'));
    chmodSync(files[0] ?? '', 0o644);
    writeFileSync(files[1] ?? '', 'rubbish');
    expect(await logout(w.host)).toBe(true);
    expect(files.map((file) => existsSync(file))).toEqual([false, false]);
  });

  test('a token for several audiences together is listed under the name it was asked for', async () => {
    const w = await world({ browser: asDeveloper });
    await w.log({ audience: [`${w.api},${w.registry}`, 'apk.cgr.dev'] });
    expect(listAudiences(w.host)).toEqual(['apk.cgr.dev', `${w.api},${w.registry}`]);
  });
});
