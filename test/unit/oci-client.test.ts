// Reading from registries that lie, refuse and point elsewhere: two stub servers on loopback, one of them over TLS.

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { createOciClient, type RegistryLogin } from '../../src/api/oci-client.ts';
import { closeTransport } from '../../src/api/transport.ts';
import type { CliError } from '../../src/errors.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';
import { type StubServer, stubServer } from '../support/stub-server.ts';

const digestOf = (text: string, algorithm = 'sha256') =>
  `${algorithm}:${createHash(algorithm).update(text).digest('hex')}`;
const manifest = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}';
const basic = `Basic ${Buffer.from('me:top-secret').toString('base64')}`;

let host: FakeHost;

afterEach(() => closeTransport(host));

const password = { kind: 'password', user: 'me', secret: 'top-secret', leavesHost: false } as const;

async function world(login?: RegistryLogin) {
  host = fakeHost();
  const certificate = loopbackCertificate(host.root);
  host.env['SSL_CERT_FILE'] = certificate.path;
  const [registry, plain, secure] = await Promise.all([stubServer(), stubServer(), stubServer(certificate)]);
  let logins = 0;
  const client = createOciClient({
    host,
    origin: registry.url,
    signal: new AbortController().signal,
    login: async () => {
      logins += 1;
      return login;
    },
    loginHint: 'log in first',
  });
  return { registry, plain, secure, client, logins: () => logins };
}

const refusal = (call: Promise<unknown>) =>
  call.then(
    (value) => expect.fail(`it answered ${JSON.stringify(value)}`),
    (error: CliError) => error,
  );
const shown = (server: StubServer) => server.requests.map(({ headers }) => headers.authorization);
const bearerOf = (realm: string, rest = ',service="the registry"') => ({
  status: 401,
  headers: { 'www-authenticate': `Bearer realm="${realm}"${rest}` },
  body: {},
});
const latest = 'GET /v2/a/b/manifests/latest';
const tokenPath = 'GET /token?service=the+registry&scope=repository%3Aa%2Fb%3Apull';

describe('digests', () => {
  const blob = 'a blob';

  test.each(['sha256', 'sha512'])('what has its %s is given, as it came', async (algorithm) => {
    const { registry, client } = await world();
    registry.expect(`GET /v2/a/b/blobs/${digestOf(blob, algorithm)}`, { body: blob });
    expect((await client.blob('a/b', digestOf(blob, algorithm))).toString()).toBe(blob);
    registry.expect(`GET /v2/a/b/manifests/${digestOf(manifest, algorithm)}`, { body: manifest });
    expect(await client.manifest('a/b', digestOf(manifest, algorithm))).toEqual({
      ...JSON.parse(manifest),
      digest: digestOf(manifest, algorithm),
    });
  });

  test.each([
    ['another', 'a blob that is forged'],
    ['one that begins the same', 'a blob '],
    ['half a', 'a b'],
    ['an empty', ''],
  ])('%s blob in its place is an error', async (_, body) => {
    for (const algorithm of ['sha256', 'sha512']) {
      const { registry, client } = await world();
      const digest = digestOf(blob, algorithm);
      registry.expect(`GET /v2/a/b/blobs/${digest}`, { body });
      expect(await refusal(client.blob('a/b', digest))).toMatchObject({
        kind: 'api',
        message: `${new URL(registry.url).host} sent something else than ${digest}`,
      });
    }
  });

  test.each([
    ['one with another blank', manifest.replace(':', ': ')],
    ['another', '{"schemaVersion":2}'],
  ])('of a manifest asked by digest, %s is an error', async (_, body) => {
    const { registry, client } = await world();
    const digest = digestOf(manifest);
    registry.expect(`GET /v2/a/b/manifests/${digest}`, { body });
    expect((await refusal(client.manifest('a/b', digest))).message).toContain(`something else than ${digest}`);
  });

  test('a header of the registry says nothing about them', async () => {
    const { registry, client } = await world();
    const headers = { 'docker-content-digest': digestOf('a lie') };
    registry.expect(latest, { body: manifest, headers });
    expect((await client.manifest('a/b', 'latest')).digest).toBe(digestOf(manifest));
    const digest = digestOf(blob);
    registry.expect(`GET /v2/a/b/blobs/${digest}`, { body: 'a lie', headers: { 'docker-content-digest': digest } });
    await refusal(client.blob('a/b', digest));
  });

  test('a blob that comes from elsewhere is checked as well', async () => {
    const { registry, plain, client } = await world();
    registry.expect(`GET /v2/a/b/blobs/${digestOf(blob)}`, { status: 307, headers: { location: `${plain.url}/x` } });
    plain.expect('GET /x', { body: 'a lie' });
    await refusal(client.blob('a/b', digestOf(blob)));
  });
});

describe('what a login may follow to', () => {
  // Where the token service is, whether the login may leave the registry's host, what the token service is shown: first
  // without a login, then with it.
  test.each([
    ['own', false, [undefined, basic]],
    ['own', true, [undefined, basic]],
    ['plain', false, []],
    ['plain', true, []],
    ['secure', false, [undefined]],
    ['secure', true, [undefined, basic]],
  ] as const)('token service %s, login may leave: %s', async (where, leavesHost, wanted) => {
    const { registry, plain, secure, client } = await world({ ...password, leavesHost });
    const service = { own: registry, plain, secure }[where];
    registry.expect(latest, bearerOf(`${service.url}/token`));
    for (const _ of wanted) service.expect(tokenPath, { status: 403, body: {} });
    await refusal(client.manifest('a/b', 'latest'));
    const seen = service.requests.filter(({ path }) => path.startsWith('/token'));
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(wanted);
    // The registry itself is never shown the login: it said that tokens belong there.
    expect(
      registry.requests.filter(({ path }) => path.startsWith('/v2/')).map((one) => one.headers.authorization),
    ).toEqual([undefined]);
  });

  test.each([
    ['own', false, 2],
    ['plain', true, 0],
    ['secure', false, 1],
    ['secure', true, 2],
  ] as const)('a refresh token at token service %s, login may leave: %s', async (where, leavesHost, wanted) => {
    const login = { kind: 'identity-token', token: 'refresh-me', leavesHost } as const;
    const { registry, plain, secure, client } = await world(login);
    const service = { own: registry, plain, secure }[where];
    registry.expect(latest, bearerOf(`${service.url}/token`));
    if (wanted > 0) service.expect(tokenPath, { status: 403, body: {} });
    if (wanted > 1) service.expect('POST /token', { status: 403, body: {} });
    await refusal(client.manifest('a/b', 'latest'));
    const shownTo = service.requests.filter(({ path }) => path.startsWith('/token'));
    // In the body, where no log of addresses shows it.
    expect(shownTo.map(({ form }) => form.get('refresh_token'))).toEqual([null, 'refresh-me'].slice(0, wanted));
    expect(JSON.stringify(shownTo.map(({ path, headers }) => [path, headers]))).not.toContain('refresh-me');
  });

  test('a token of the registry goes to the registry, and to no token service or other host', async () => {
    const { registry, secure, client } = await world({ kind: 'registry-token', token: 'mine', leavesHost: true });
    registry.expect(latest, bearerOf(`${secure.url}/token`));
    secure.expect(tokenPath, { status: 403, body: {} });
    registry.expect(latest, { status: 307, headers: { location: `${secure.url}/elsewhere` } });
    secure.expect('GET /elsewhere', { body: manifest });
    await client.manifest('a/b', 'latest');
    expect([shown(registry), shown(secure)]).toEqual([
      [undefined, 'Bearer mine'],
      [undefined, undefined],
    ]);
  });

  test('a token service named by a path is on the registry itself', async () => {
    const { registry, client } = await world(password);
    registry.expect(latest, bearerOf('/token'));
    registry.expect(tokenPath, { body: { token: 'anonymous' } });
    registry.expect(latest, { body: manifest });
    await client.manifest('a/b', 'latest');
    expect(shown(registry)).toEqual([undefined, undefined, 'Bearer anonymous']);
  });

  test.each(['plain', 'secure'] as const)(
    'a redirect to the %s host takes neither login nor token along',
    async (where) => {
      const { registry, client, ...others } = await world({ ...password, leavesHost: true });
      const elsewhere = others[where];
      registry.expect(latest, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: {} });
      registry.expect(latest, { status: 307, headers: { location: `${elsewhere.url}/elsewhere` } });
      elsewhere.expect('GET /elsewhere', { body: manifest });
      await client.manifest('a/b', 'latest');
      expect(shown(registry)).toEqual([undefined, basic]);
      expect(shown(elsewhere)).toEqual([undefined]);
    },
  );

  test('a redirect within the registry keeps it, and one that comes back gets it again', async () => {
    const { registry, plain, client } = await world(password);
    registry.expect(latest, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: {} });
    registry.expect(latest, { status: 302, headers: { location: '/inside' } });
    registry.expect('GET /inside', { status: 303, headers: { location: `${plain.url}/out` } });
    plain.expect('GET /out', { status: 308, headers: { location: `${registry.url}/back` } });
    registry.expect('GET /back', { body: manifest });
    await client.manifest('a/b', 'latest');
    expect(shown(registry)).toEqual([undefined, basic, basic, basic]);
    expect(shown(plain)).toEqual([undefined]);
  });

  test('redirects end after five, and none leads from https to http', async () => {
    const { registry, plain, secure, client } = await world();
    for (let hop = 0; hop <= 5; hop += 1) registry.expect(latest, { status: 307, headers: { location: '' } });
    expect((await refusal(client.manifest('a/b', 'latest'))).message).toContain('redirects without end');
    registry.expect(latest, { status: 307, headers: { location: `${secure.url}/x` } });
    secure.expect('GET /x', { status: 307, headers: { location: `${plain.url}/x` } });
    expect((await refusal(client.manifest('a/b', 'latest'))).message).toContain('points from https to http');
  });
});

describe('logins', () => {
  test('none is asked for where nobody needs one, nor where an anonymous token is enough', async () => {
    const { registry, client, logins } = await world(password);
    registry.expect(latest, { body: manifest });
    await client.manifest('a/b', 'latest');
    registry.expect(latest, bearerOf(`${registry.url}/token`));
    registry.expect(tokenPath, { body: { access_token: 'anonymous' } });
    registry.expect(latest, { body: manifest });
    await client.manifest('a/b', 'latest');
    expect(logins()).toBe(0);
  });

  test.each([401, 403])('one is shown after %i for an anonymous token', async (status) => {
    const { registry, client } = await world(password);
    registry.expect(latest, bearerOf(`${registry.url}/token`));
    registry.expect(tokenPath, { body: { token: 'anonymous' } });
    registry.expect(latest, { status, body: {} });
    registry.expect(tokenPath, { body: { token: 'mine' } });
    registry.expect(latest, { body: manifest });
    await client.manifest('a/b', 'latest');
    expect(shown(registry)).toEqual([undefined, undefined, 'Bearer anonymous', basic, 'Bearer mine']);
  });

  test('what worked is used again, in its own repository only', async () => {
    const { registry, client } = await world(password);
    registry.expect(latest, bearerOf(`${registry.url}/token`));
    registry.expect(tokenPath, { body: { token: 'first' } });
    registry.expect(latest, { body: manifest });
    registry.expect(latest, { body: manifest });
    registry.expect('GET /v2/a/other/manifests/latest', { body: manifest });
    await client.manifest('a/b', 'latest');
    await client.manifest('a/b', 'latest');
    await client.manifest('a/other', 'latest');
    expect(shown(registry)).toEqual([undefined, undefined, 'Bearer first', 'Bearer first', undefined]);
  });

  test('what did not work is not used again', async () => {
    const { registry, client } = await world();
    for (let round = 0; round < 2; round += 1) {
      registry.expect(latest, bearerOf(`${registry.url}/token`));
      registry.expect(tokenPath, { body: { token: 'worthless' } });
      registry.expect(latest, { status: 403, body: {} });
      await refusal(client.manifest('a/b', 'latest'));
    }
    expect(shown(registry).filter((one) => one !== undefined)).toEqual(['Bearer worthless', 'Bearer worthless']);
  });

  test.each([{ token: '' }, { token: 7, access_token: null }, {}])(
    'a token service that answers %j gives none',
    async (body) => {
      const { registry, client } = await world();
      registry.expect(latest, bearerOf(`${registry.url}/token`));
      registry.expect(tokenPath, { body });
      expect(await refusal(client.manifest('a/b', 'latest'))).toMatchObject({ kind: 'auth', hint: 'log in first' });
    },
  );

  test('the scope that the registry names is the one asked for', async () => {
    const { registry, client } = await world();
    registry.expect(latest, bearerOf('/token', ',scope="repository:x/y:pull"'));
    registry.expect('GET /token?scope=repository%3Ax%2Fy%3Apull', { body: { token: 'a' } });
    registry.expect(latest, { body: manifest });
    await client.manifest('a/b', 'latest');
  });

  test.each([
    [401, undefined, 'auth', 'a/b:latest cannot be read without a login to HOST'],
    [403, undefined, 'permission', 'a/b:latest may not be read by this login, or is not there'],
    [404, undefined, 'not-found', 'a/b:latest not found in HOST'],
    [500, undefined, 'api', 'HOST answered 500 for a/b:latest'],
    [200, 'not json', 'api', 'HOST did not answer like a registry'],
    [200, '"text"', 'api', 'HOST did not answer like a registry'],
    [200, 'null', 'api', 'HOST did not answer like a registry'],
  ])('%i %j is told as %s', async (status, body, kind, message) => {
    const { registry, client } = await world();
    registry.expect(latest, { status, body: body ?? {} });
    const { host: name } = new URL(registry.url);
    expect(await refusal(client.manifest('a/b', 'latest'))).toMatchObject({
      kind,
      message: message.replace('HOST', name),
    });
  });

  test('a login that is refused lacks rights, and is not in the message', async () => {
    const { registry, client } = await world(password);
    registry.expect(latest, bearerOf(`${registry.url}/token`));
    registry.expect(tokenPath, { status: 401, body: {} });
    registry.expect(tokenPath, { status: 401, body: {} });
    const error = await refusal(client.manifest('a/b', 'latest'));
    expect(error).toMatchObject({ kind: 'permission' });
    expect(`${error.message} ${error.hint}`).not.toContain('top-secret');
  });
});

describe('referrers', () => {
  const digest = digestOf(manifest);
  const path = `/v2/a/b/referrers/${digest}`;
  const page = (name: string) => ({ manifests: [{ digest: digestOf(name), mediaType: 'x', size: 1 }] });

  test('of every page are given, and a page elsewhere is still one of this list', async () => {
    const { registry, plain, client } = await world();
    registry.expect(`GET ${path}`, { body: page('1'), headers: { link: `<${plain.url}/v2/x/y?last=1>; rel="next"` } });
    registry.expect(`GET ${path}?last=1`, { body: page('2'), headers: { link: '<?last=2>; rel=next' } });
    registry.expect(`GET ${path}?last=2`, { body: page('3'), headers: { link: '<?last=9>; rel="prev"' } });
    expect((await client.referrers('a/b', digest)).map((one) => one.digest)).toEqual(
      ['1', '2', '3'].map((one) => digestOf(one)),
    );
  });

  test('half a list does not pass for the whole', async () => {
    const { registry, client } = await world();
    registry.expect(`GET ${path}`, { body: page('1'), headers: { link: '<?last=1>; rel="next"' } });
    registry.expect(`GET ${path}?last=1`, { status: 500, body: {} });
    expect((await refusal(client.referrers('a/b', digest))).message).toContain('answered 500 for more referrers');
  });

  test('are under a tag in older registries, and none is an answer', async () => {
    const { registry, client } = await world();
    const tag = `GET /v2/a/b/manifests/${digest.replace(':', '-')}`;
    registry.expect(`GET ${path}`, { status: 404, body: {} });
    registry.expect(tag, { body: page('1') });
    expect(await client.referrers('a/b', digest)).toHaveLength(1);
    registry.expect(`GET ${path}`, { status: 404, body: {} });
    registry.expect(tag, { status: 404, body: {} });
    expect(await client.referrers('a/b', digest)).toEqual([]);
    registry.expect(`GET ${path}`, { body: { manifests: 'many' } });
    expect(await client.referrers('a/b', digest)).toEqual([]);
  });
});
