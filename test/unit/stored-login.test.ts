// Logins that other tools have stored, as docker, crane, oras and skopeo find them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createOciClient, type RegistryLogin } from '../../src/api/oci-client.ts';
import { closeTransport } from '../../src/api/transport.ts';
import { storedLogin } from '../../src/docker/stored-login.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';
import { stubServer } from '../support/stub-server.ts';

const auth = (user: string, secret = 'pw') => Buffer.from(`${user}:${secret}`).toString('base64');
const { signal } = new AbortController();

function put(host: FakeHost, path: string, content: unknown): void {
  const full = join(host.home(), path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, JSON.stringify(content));
}

/** The user that is found for `team/app` in `r.example:5000`, in a Docker file with this content. */
async function userIn(content: unknown, registry = 'r.example:5000', repository = 'team/app') {
  const host = fakeHost();
  put(host, '.docker/config.json', content);
  const found = await storedLogin(host, registry, repository, signal);
  return found?.kind === 'password' ? found.user : found;
}

describe('the key', () => {
  const registry = 'r.example:5000';

  test.each([
    registry,
    'R.EXAMPLE:5000',
    `https://${registry}`,
    `http://${registry}`,
    `https://${registry}/`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
    `${registry}/v1/`,
    `${registry}/team`,
    `${registry}/team/`,
    `${registry}/team/app`,
  ])('%s is found', async (key) => {
    expect(await userIn({ auths: { [key]: { auth: auth('bob') } } })).toBe('bob');
  });

  test.each([
    'r.example',
    'r.example:500',
    `x${registry}`,
    `${registry}/tea`,
    `${registry}/team/app/more`,
    `${registry}/other`,
  ])('%s is somebody else’s', async (key) => {
    expect(await userIn({ auths: { [key]: { auth: auth('eve') } } })).toBeUndefined();
  });

  test('with the nearest path wins, and then the one without a scheme', async () => {
    const keys = [registry, `${registry}/team`, `https://${registry}`, `${registry}/team/app`, `${registry}/other`];
    const found: unknown[] = [];
    for (let left = keys; left.length > 0; ) {
      const user = await userIn({
        auths: Object.fromEntries(left.map((key) => [key, { auth: auth(`u-${key.replaceAll(':', '.')}`) }])),
      });
      found.push(user);
      left = left.filter((key) => `u-${key.replaceAll(':', '.')}` !== user);
      if (user === undefined) break;
    }
    const port = 'u-r.example.5000';
    expect(found).toEqual([`${port}/team/app`, `${port}/team`, port, 'u-https.//r.example.5000', undefined]);
  });

  test.each(['https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'https://registry-1.docker.io'])(
    'of Docker’s hub may be %s',
    async (key) => {
      expect(await userIn({ auths: { [key]: { auth: auth('bob') } } }, 'docker.io', 'library/alpine')).toBe('bob');
    },
  );
});

test.each([
  [{ auth: auth('bob', 'a:b') }, { kind: 'password', user: 'bob', secret: 'a:b' }],
  [{ auth: Buffer.from('bob:pw\0\0').toString('base64') }, { kind: 'password', user: 'bob', secret: 'pw' }],
  [
    { username: 'bob', password: 'pw' },
    { kind: 'password', user: 'bob', secret: 'pw' },
  ],
  [
    { auth: auth('0000', ''), identitytoken: 'refresh.me' },
    { kind: 'identity-token', token: 'refresh.me' },
  ],
  [{ registrytoken: 'bearer' }, { kind: 'registry-token', token: 'bearer' }],
  [{ auth: auth('bob', '') }, undefined],
  [{ auth: 7 }, undefined],
  [{}, undefined],
])('an entry %j is %j', async (entry, expected) => {
  const host = fakeHost();
  put(host, '.docker/config.json', { auths: { 'r.example': entry } });
  expect(await storedLogin(host, 'r.example', 'a', signal)).toEqual(expected);
});

test('files are Docker’s, the one that is named, podman’s two, and Docker’s oldest, in that order', async () => {
  const host = fakeHost();
  const runtime = join(host.root, 'run');
  Object.assign(host.env, { XDG_RUNTIME_DIR: runtime, REGISTRY_AUTH_FILE: join(host.home(), 'named.json') });
  const find = async () => {
    const found = await storedLogin(host, 'r.example', 'a', signal);
    return found?.kind === 'password' ? found.user : found;
  };
  expect(await find()).toBeUndefined();
  put(host, '.dockercfg', { 'https://r.example/v1/': { auth: auth('oldest') } });
  expect(await find()).toBe('oldest');
  put(host, '.config/containers/auth.json', { auths: { 'r.example': { auth: auth('kept') } } });
  expect(await find()).toBe('kept');
  mkdirSync(join(runtime, 'containers'), { recursive: true });
  writeFileSync(
    join(runtime, 'containers', 'auth.json'),
    JSON.stringify({ auths: { 'r.example': { auth: auth('now') } } }),
  );
  expect(await find()).toBe('now');
  put(host, 'named.json', { auths: { 'r.example': { auth: auth('named') } } });
  expect(await find()).toBe('named');
  put(host, '.docker/config.json', { auths: { 'r.example': { auth: auth('docker') } } });
  expect(await find()).toBe('docker');
});

test('a helper that answers <token> has a token for the token service; one for a path comes before the store', async () => {
  const host = fakeHost();
  const helper = (name: string, answer: object) =>
    writeFileSync(
      join(host.root, `docker-credential-${name}`),
      `#!/bin/sh\ncat >/dev/null\necho '${JSON.stringify(answer)}'\n`,
      {
        mode: 0o755,
      },
    );
  helper('zeroes', { Username: '<token>', Secret: 'refresh.me' });
  helper('team', { Username: 'bob', Secret: 'pw' });
  host.env['PATH'] = `${host.root}:/usr/bin:/bin`;
  put(host, '.docker/config.json', { credsStore: 'zeroes', credHelpers: { 'r.example/team': 'team' } });
  expect(await storedLogin(host, 'r.example', 'other/app', signal)).toEqual({
    kind: 'identity-token',
    token: 'refresh.me',
  });
  expect(await storedLogin(host, 'r.example', 'team/app', signal)).toEqual({
    kind: 'password',
    user: 'bob',
    secret: 'pw',
  });
});

describe('shown to a registry', () => {
  /** A registry that refuses once with this challenge, and then expects this authorization. */
  async function shown(login: RegistryLogin, challenge: string): Promise<string | undefined> {
    const registry = await stubServer();
    registry.expect('GET /v2/team/app/manifests/1', { status: 401, headers: { 'www-authenticate': challenge } });
    let given: string | undefined;
    registry.expect('GET /v2/team/app/manifests/1', ({ headers }) => {
      given = headers.authorization;
      return { body: { mediaType: 'm' } };
    });
    const host = fakeHost();
    const client = createOciClient({ host, origin: registry.url, signal, login: async () => login, loginHint: '' });
    await client.manifest('team/app', '1').finally(() => closeTransport(host));
    return given;
  }

  test('a token for the token service goes there in the body of a POST', async () => {
    const own = await stubServer();
    const host = fakeHost();
    const challenge = `Bearer realm="${own.url}/oauth2/token",service="hub"`;
    own.expect('GET /v2/team/app/manifests/1', { status: 401, headers: { 'www-authenticate': challenge } });
    // Without a login first: the image may be public.
    own.expect('GET /oauth2/token?service=hub&scope=repository%3Ateam%2Fapp%3Apull', { status: 401 });
    own.expect('POST /oauth2/token', ({ form }) => {
      expect(Object.fromEntries(form)).toEqual({
        grant_type: 'refresh_token',
        client_id: 'chainctl',
        service: 'hub',
        scope: 'repository:team/app:pull',
        refresh_token: 'refresh.me',
      });
      return { body: { access_token: 'granted' } };
    });
    own.expect('GET /v2/team/app/manifests/1', ({ headers }) => {
      expect(headers.authorization).toBe('Bearer granted');
      return { body: { mediaType: 'application/vnd.oci.image.manifest.v1+json' } };
    });
    const client = createOciClient({
      host,
      origin: own.url,
      signal,
      login: async () => ({ kind: 'identity-token', token: 'refresh.me', leavesHost: true }),
      loginHint: '',
    });
    expect((await client.manifest('team/app', '1')).mediaType).toContain('manifest');
    await closeTransport(host);
  });

  test('a registry’s own token goes to the registry, user and password where it takes those', async () => {
    const token = { kind: 'registry-token', token: 'own', leavesHost: true } as const;
    expect(await shown(token, 'Basic realm="x"')).toBe('Bearer own');
    const login = { kind: 'password', user: 'bob', secret: 'pw', leavesHost: true } as const;
    expect(await shown(login, 'Negotiate abc==, Basic realm="x"')).toBe(`Basic ${auth('bob')}`);
  });
});
