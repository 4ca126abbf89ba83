import { createServer } from 'node:net';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform, temporaryFolder } from '../support/platform.ts';
import { audienceOf, basic, createClient, digestOf, send } from './registry-client.ts';

const dev = personId('dev@example.com');
const guest = personId('guest@example.com');
const organization = demoOrganizations.private;
const privateName = 'example.com/app';
const publicName = 'chainguard/static';

/** A platform with one private and one public image, and ways to ask it for tokens. */
async function start(clock = new TestClock()) {
  const platform = await startTestPlatform({ clock });
  const base = platform.urls.registry;
  await createClient(platform, dev).pushImage(privateName, 'latest', 'private layer');
  const owner = platform.user('publisher@example.org', ['owner', demoOrganizations.public]);
  await createClient(platform, owner).pushImage(publicName, 'latest', 'public layer');
  setPublic(platform, publicName, 1);

  const ask = async (scopes: readonly string[], headers: Record<string, string> = {}) => {
    const query = new URLSearchParams(scopes.map((scope): [string, string] => ['scope', scope]));
    return send(base, 'GET', `/token?${query}`, { headers });
  };
  const login = async (identity: string, audience = audienceOf(platform)) =>
    basic('_token', await platform.token(identity, { audience }));
  /** Status and code of a pull with a registry token. */
  const pull = async (name: string, token: string) => {
    const got = await send(base, 'GET', `/v2/${name}/manifests/latest`, { token });
    return [got.status, got.code];
  };
  return { platform, base, clock, ask, login, pull };
}

function setPublic(platform: TestPlatform, name: string, value: 0 | 1): void {
  platform.store.transact((tx) =>
    tx.run('UPDATE repos SET public = ? WHERE name = ?', value, name.split('/')[1] ?? ''),
  );
}

test('the identity that everybody may assume pulls what is public, and is the same on every platform', async () => {
  const clock = new TestClock();
  const dataDir = temporaryFolder();
  const anyone = '720909c9f5279097d847ad02a2f24ba8f59de36a/a033a6fabe0bfa0d';
  let strangers = 0;
  const stranger = (platform: TestPlatform) => {
    strangers += 1;
    return platform.user(`stranger-${strangers}@example.org`);
  };
  const assume = async (platform: TestPlatform) => {
    const token = await platform.token(stranger(platform));
    // As the SDK's keychain does it: a token for the API is exchanged for one for the registry.
    const path = `/sts/exchange?aud=${audienceOf(platform)}&identity=${anyone}`;
    const answer = await platform.call(token, 'GET', path);
    expect([answer.status, answer.body.message]).toEqual([200, undefined]);
    return String(answer.body.token);
  };
  const pull = async (platform: TestPlatform, name: string) =>
    (await send(platform.urls.registry, 'GET', `/v2/${name}/manifests/latest`, { token: await assume(platform) }))
      .status;

  const first = await startTestPlatform({ clock, dataDir, seed: 'demo' });
  expect(await pull(first, 'chainguard/nginx')).toBe(200);
  await createClient(first, dev).pushImage('example.com/own', 'latest', 'private layer');
  expect(await pull(first, 'example.com/own')).toBe(403);
  expect((await createClient(first, anyone).pushManifest('chainguard/nginx', 'x', '{}')).status).toBe(403);
  await first.stop();

  // On another address the issuer is another one.
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(Number(new URL(first.urls.api).port), '127.0.0.1', resolve));
  try {
    const second = await startTestPlatform({ clock, dataDir, seed: 'demo' });
    expect(second.urls.issuer).not.toBe(first.urls.issuer);
    expect(await pull(second, 'chainguard/nginx')).toBe(200);
  } finally {
    taken.close();
  }
});

/** A pull token as `auth pull-token create` makes one (protocols 7.3). */
async function makePullToken(platform: TestPlatform, clock: TestClock, role = 'registry.pull') {
  const { publicKey, privateKey } = newKeyPair('rsa');
  const id = `${organization}/${'0123456789abcdef'}`;
  const issuer = 'https://pulltoken.issuer.chainguard.dev';
  const subject = `pull-token-${'a'.repeat(40)}`;
  const expires = clock.now() + 3600_000;
  const issuerKeys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256' }] });
  platform.store.transact((tx) => {
    insertIdentity(tx, {
      id,
      name: 'pull-token',
      description: '',
      relationship: {
        kind: 'static',
        static: { issuer, subject, issuerKeys, expiration: new Date(expires).toISOString() },
      },
    });
    bindRole(tx, { group: organization, identity: id, role: builtInRoleId(role) });
  });
  const password = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(platform.urls.issuer)
    .setIssuedAt(Math.floor(clock.now() / 1000))
    .setExpirationTime(Math.floor(expires / 1000))
    .sign(privateKey);
  return { id, password };
}

test('the challenge says where to go: to the address that was dialled', async () => {
  const { base } = await start();
  const port = new URL(base).port;
  for (const host of ['127.0.0.1', 'localhost']) {
    const origin = `http://${host}:${port}`;
    const ping = await send(origin, 'GET', '/v2/');
    expect([ping.status, ping.code]).toEqual([401, 'UNAUTHORIZED']);
    expect(ping.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
    expect(ping.headers.get('www-authenticate')).toBe(`Bearer realm="${origin}/token",service="${host}:${port}"`);
    const pull = await send(origin, 'GET', `/v2/${privateName}/manifests/latest`);
    expect(pull.headers.get('www-authenticate')).toBe(
      `Bearer realm="${origin}/token",service="${host}:${port}",scope="repository:${privateName}:pull"`,
    );
  }
  const push = await send(base, 'POST', `/v2/${privateName}/blobs/uploads/`);
  expect(push.headers.get('www-authenticate')).toContain(`scope="repository:${privateName}:pull,push"`);
  const mount = await send(base, 'POST', `/v2/${privateName}/blobs/uploads/?mount=sha256:x&from=${publicName}`);
  expect(mount.headers.get('www-authenticate')).toContain(
    `scope="repository:${privateName}:pull,push repository:${publicName}:pull"`,
  );
  const catalog = await send(base, 'GET', '/v2/_catalog');
  expect(catalog.headers.get('www-authenticate')).toContain('scope="registry:catalog:*"');
});

test('anonymous: public repositories, and the refusals of the table', async () => {
  const { base, ask, pull, platform } = await start();
  const answer = await ask([`repository:${publicName}:pull`]);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.json).toMatchObject({
    expires_in: 300,
    issued_at: new Date(Date.parse('2026-03-27T13:55:00.785Z')).toISOString(),
  });
  expect(answer.json.token).toBe(answer.json.access_token);
  const { token } = answer.json;
  expect((await send(base, 'GET', '/v2/', { token })).status).toBe(200);
  expect(await pull(publicName, token)).toEqual([200, undefined]);
  // Asking for more gives what there is.
  const more = await ask([`repository:${publicName}:pull,push,delete`]);
  expect(more.status).toBe(200);
  const push = await send(base, 'POST', `/v2/${publicName}/blobs/uploads/`, { token: more.json.token });
  expect([push.status, push.code]).toEqual([401, 'UNAUTHORIZED']);

  const refused = async (scopes: string[]) => {
    const got = await ask(scopes);
    return [got.status, got.code, got.json.errors[0].message];
  };
  const required = [401, 'UNAUTHORIZED', 'Authentication required'];
  expect(await refused([`repository:${privateName}:pull`])).toEqual(required);
  expect(await refused(['repository:example.com/none:pull'])).toEqual(required);
  expect(await refused(['registry:catalog:*'])).toEqual(required);
  expect(await refused([])).toEqual([403, 'FORBIDDEN', 'Forbidden']);
  expect(await refused(['nonsense'])).toEqual([403, 'FORBIDDEN', 'Forbidden']);
  expect(await refused(['repository:nowhere/x:pull'])).toEqual([
    400,
    'BAD_REQUEST',
    'rpc error: code = InvalidArgument desc = unable to resolve "nowhere"',
  ]);
  // A token of one repository is no token of another, and none lives on when a repository becomes private.
  expect(await pull(privateName, token)).toEqual([401, 'UNAUTHORIZED']);
  setPublic(platform, publicName, 0);
  expect(await pull(publicName, token)).toEqual([401, 'UNAUTHORIZED']);
});

test('a platform token as Basic password, under any user name', async () => {
  const { platform, ask, login, pull } = await start();
  const header = await login(guest);
  const answer = await ask([`repository:${privateName}:pull`], header);
  expect(answer.status).toBe(200);
  expect(answer.json.expires_in).toBe(3600);
  expect(await pull(privateName, answer.json.token)).toEqual([200, undefined]);
  // `docker login` asks for nothing.
  expect((await ask([], header)).status).toBe(200);
  for (const user of ['user', 'token-user', 'cgr', '']) {
    const jwt = await platform.token(guest, { audience: 'cgr.dev' });
    expect((await ask([`repository:${privateName}:pull`], basic(user, jwt))).status).toBe(200);
  }
});

test('credentials that are sent are always checked', async () => {
  const { platform, clock, ask, login } = await start();
  const refused = async (headers: Record<string, string>) => {
    const got = await ask([`repository:${publicName}:pull`], headers);
    return [got.status, got.code];
  };
  const forbidden = [403, 'FORBIDDEN'];
  expect(await refused(basic('_token', 'nonsense'))).toEqual(forbidden);
  expect(await refused(basic('_token', ''))).toEqual(forbidden);
  expect(await refused({ authorization: 'Basic !!!' })).toEqual(forbidden);
  expect(await refused({ authorization: 'Digest x' })).toEqual(forbidden);
  // For the API, not for the registry.
  expect(await refused(await login(dev, platform.urls.api))).toEqual(forbidden);
  const short = basic('_token', await platform.token(dev, { audience: audienceOf(platform), ttlSeconds: 10 }));
  expect((await ask([`repository:${publicName}:pull`], short)).status).toBe(200);
  clock.advance(11_000);
  expect(await refused(short)).toEqual(forbidden);
});

test('a registry token lasts no longer than the credential it was made from', async () => {
  const { platform, base, clock, ask } = await start();
  const audience = audienceOf(platform);
  const answer = await ask(
    [`repository:${privateName}:pull`],
    basic('_token', await platform.token(dev, { audience, ttlSeconds: 120 })),
  );
  expect(answer.json.expires_in).toBe(120);
  clock.advance(119_000);
  const path = `/v2/${privateName}/manifests/latest`;
  expect((await send(base, 'GET', path, { token: answer.json.token })).status).toBe(200);
  clock.advance(2000);
  const late = await send(base, 'GET', path, { token: answer.json.token });
  expect(late.status).toBe(401);
  expect(late.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

test('registry tokens cannot be made or changed by others', async () => {
  const { ask, login, pull } = await start();
  const { token } = (await ask([`repository:${publicName}:pull`])).json as { token: string };
  const [head, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: dev })).toString('base64url');
  expect(await pull(privateName, `${head}.${forged}.${signature}`)).toEqual([401, 'UNAUTHORIZED']);
  expect(await pull(publicName, `${head}.${payload}.`)).toEqual([401, 'UNAUTHORIZED']);
  expect(await pull(publicName, `${head}.${payload}`)).toEqual([401, 'UNAUTHORIZED']);
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  expect(await pull(publicName, `${none}.${payload}.`)).toEqual([401, 'UNAUTHORIZED']);
  // Nor are they good for anything else.
  expect((await ask([`repository:${publicName}:pull`], basic('_token', token))).status).toBe(403);
  expect((await ask([], await login(dev))).json.token).not.toBe(token);
});

test('rights decide: a viewer pulls, an owner pushes, a stranger does neither', async () => {
  const { platform, base, ask, login, pull } = await start();
  const viewer = await ask([`repository:${privateName}:pull,push`], await login(guest));
  expect(viewer.status).toBe(200);
  expect(await pull(privateName, viewer.json.token)).toEqual([200, undefined]);
  const push = await send(base, 'POST', `/v2/${privateName}/blobs/uploads/`, { token: viewer.json.token });
  expect([push.status, push.code, push.json.errors[0].message]).toEqual([
    403,
    'FORBIDDEN',
    `caller does not have the required capabilities at "${privateName}"; see why with \`chainctl iam access explain ` +
      `${guest} manifest.create --on=example.com\``,
  ]);
  const forbidden = async (scope: string, identity: string) => {
    const got = await ask([scope], await login(identity));
    return [got.status, got.code];
  };
  expect(await forbidden(`repository:${privateName}:push`, guest)).toEqual([403, 'FORBIDDEN']);
  expect(await forbidden(`repository:${privateName}:delete`, guest)).toEqual([403, 'FORBIDDEN']);
  // An unknown repository looks like one without rights, deliberately; but not to those who could make it, because
  // helm looks alone before it pushes.
  expect(await forbidden('repository:example.com/none:pull', dev)).toEqual([200, undefined]);
  expect(await forbidden('repository:example.com/none:pull', guest)).toEqual([403, 'FORBIDDEN']);
  const stranger = platform.user('stranger@example.org');
  expect(await forbidden(`repository:${privateName}:pull`, stranger)).toEqual([403, 'FORBIDDEN']);
  expect((await ask([`repository:${publicName}:pull`], await login(stranger))).status).toBe(200);

  // One token for all that a client does with a repository it makes.
  const whole = await ask(['repository:example.com/shortlived:pull,push,delete'], await login(dev));
  const blob = await send(base, 'POST', `/v2/example.com/shortlived/blobs/uploads/?digest=${digestOf('x')}`, {
    token: whole.json.token,
    body: 'x',
  });
  expect(blob.status).toBe(201);
  const removed = await send(base, 'DELETE', `/v2/example.com/shortlived/blobs/${digestOf('x')}`, {
    token: whole.json.token,
  });
  expect(removed.status).toBe(202);

  const pusher = platform.user('pusher@example.org', ['registry.push', organization]);
  const fresh = await ask(['repository:example.com/fresh:pull,push'], await login(pusher));
  const made = await send(base, 'POST', '/v2/example.com/fresh/blobs/uploads/', { token: fresh.json.token });
  expect(made.status).toBe(202);
  const all = await ask([`repository:${privateName}:*`], await login(pusher));
  const gone = await send(base, 'DELETE', `/v2/${privateName}/manifests/latest`, { token: all.json.token });
  expect(gone.status).toBe(202);
});

test('an editor of repositories without manifests cannot push, and a tag mover needs the right to move', async () => {
  const { platform, base } = await start();
  const role = (name: string, capabilities: string[]) =>
    platform.store.transact((tx) => {
      const id = `${organization}/${Buffer.from(name.padEnd(8, '.')).toString('hex').slice(0, 16)}`;
      tx.run(
        'INSERT INTO roles (id, parent, name, capabilities, created_at, updated_at) VALUES (?, ?, ?, ?, 0, 0)',
        id,
        organization,
        name,
        JSON.stringify(capabilities),
      );
      return id;
    });
  const editor = createClient(platform, platform.user('editor@example.org', ['editor', organization]));
  expect((await editor.request('POST', `/v2/${privateName}/blobs/uploads/`)).status).toBe(403);

  const adding = role('adding', ['repo.list', 'manifest.list', 'tag.list', 'manifest.create', 'tag.create']);
  const adder = createClient(platform, platform.user('adder@example.org', [adding, organization]));
  await adder.pushImage(privateName, 'new', 'layer one');
  await expect(adder.pushImage(privateName, 'new', 'layer two')).rejects.toThrow(/403/);
  // Without repo.create nothing springs up.
  expect((await adder.request('POST', '/v2/example.com/fresh/blobs/uploads/')).status).toBe(403);
  const latest = await send(base, 'GET', `/v2/${privateName}/tags/list`, {
    token: await platform.token(dev, { audience: audienceOf(platform) }),
  });
  expect(latest.json.tags).toEqual(['latest', 'new']);

  const listing = role('listing', ['repo.list', 'manifest.list']);
  const reader = createClient(platform, platform.user('reader@example.org', [listing, organization]));
  expect((await reader.request('GET', `/v2/${privateName}/manifests/latest`)).status).toBe(200);
  expect((await reader.request('GET', `/v2/${privateName}/tags/list`)).status).toBe(403);
});

test('a platform token straight on /v2: for the registry only', async () => {
  const { platform, base } = await start();
  const get = async (path: string, token: string) => {
    const got = await send(base, 'GET', path, { token });
    return [got.status, got.code];
  };
  const path = `/v2/${privateName}/manifests/latest`;
  expect(await get(path, await platform.token(dev, { audience: audienceOf(platform) }))).toEqual([200, undefined]);
  expect(await get(path, await platform.token(dev, { audience: 'cgr.dev' }))).toEqual([200, undefined]);
  expect(await get(path, await platform.token(dev))).toEqual([403, 'FORBIDDEN']);
  expect(await get('/v2/', await platform.token(dev))).toEqual([403, 'FORBIDDEN']);
  expect(await get(path, 'nonsense')).toEqual([401, 'UNAUTHORIZED']);
  const stranger = platform.user('stranger@example.org');
  const theirs = await platform.token(stranger, { audience: 'cgr.dev' });
  expect(await get(path, theirs)).toEqual([403, 'FORBIDDEN']);
  // Without rights, what is missing and what is not yours look the same.
  expect(await get('/v2/example.com/none/manifests/latest', theirs)).toEqual([403, 'FORBIDDEN']);
  expect(await get(`/v2/${publicName}/manifests/latest`, theirs)).toEqual([200, undefined]);
  const mine = await platform.token(dev, { audience: 'cgr.dev' });
  expect(await get('/v2/example.com/none/manifests/latest', mine)).toEqual([404, 'NAME_UNKNOWN']);
  expect(await get('/v2/nowhere/none/manifests/latest', mine)).toEqual([404, 'NAME_UNKNOWN']);
});

test("a token's own limits hold on both ways in", async () => {
  const { platform, base, ask } = await start();
  // The owner's token, narrowed to pulling when it was minted.
  const ceiling = new Map([[organization, new Set(['manifest.list', 'repo.list', 'tag.list'])]]);
  const narrow = await platform.token(dev, { audience: audienceOf(platform), ceiling });
  const straight = await send(base, 'POST', `/v2/${privateName}/blobs/uploads/`, { token: narrow });
  expect(straight.status).toBe(403);
  const answer = await ask([`repository:${privateName}:pull,push`], basic('_token', narrow));
  const exchanged = await send(base, 'POST', `/v2/${privateName}/blobs/uploads/`, { token: answer.json.token });
  expect(exchanged.status).toBe(403);
});

test('a pull token works until its identity is deleted or it expires', async () => {
  const { platform, clock, base, ask, pull } = await start();
  const { id, password } = await makePullToken(platform, clock);
  const scope = `repository:${privateName}:pull`;
  const answer = await ask([scope], basic(id, password));
  expect(answer.status).toBe(200);
  expect(await pull(privateName, answer.json.token)).toEqual([200, undefined]);
  // Tools that allow no slash in a user name write an underscore.
  expect((await ask([scope], basic(id.replace('/', '_'), password))).status).toBe(200);
  expect((await ask([], basic(id, password))).status).toBe(200);
  const refused = async (user: string, secret: string) => (await ask([scope], basic(user, secret))).status;
  expect(await refused(`${organization}/${'f'.repeat(16)}`, password)).toBe(403);
  expect(await refused(id, `${password.slice(0, -8)}AAAAAAAA`)).toBe(403);
  expect(await refused('_token', password)).toBe(403);
  // It pulls, and no more.
  const push = await ask([`repository:${privateName}:push`], basic(id, password));
  expect(push.status).toBe(403);

  platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', id));
  expect(await pull(privateName, answer.json.token)).toEqual([401, 'UNAUTHORIZED']);
  expect((await send(base, 'GET', '/v2/', { token: answer.json.token })).status).toBe(401);
  expect(await refused(id, password)).toBe(403);
});

test('an expired pull token is refused, with the registry token made from it', async () => {
  const { platform, clock, ask, pull } = await start();
  const { id, password } = await makePullToken(platform, clock);
  clock.advance(3590_000);
  const answer = await ask([`repository:${privateName}:pull`], basic(id, password));
  expect(answer.status).toBe(200);
  clock.advance(11_000);
  expect(await pull(privateName, answer.json.token)).toEqual([401, 'UNAUTHORIZED']);
  expect((await ask([`repository:${privateName}:pull`], basic(id, password))).status).toBe(403);
});

test('taking a role away takes effect on tokens already out', async () => {
  const { platform, ask, login, pull } = await start();
  const answer = await ask([`repository:${privateName}:pull`], await login(guest));
  expect(await pull(privateName, answer.json.token)).toEqual([200, undefined]);
  platform.store.transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', guest));
  expect(await pull(privateName, answer.json.token)).toEqual([403, 'FORBIDDEN']);
});

test('the catalog lists what the caller may list', async () => {
  const { platform, base, ask, login } = await start();
  await createClient(platform, dev).pushImage('example.com/zeta', 'latest', 'z');
  const answer = await ask(['registry:catalog:*'], await login(guest));
  expect(answer.status).toBe(200);
  const list = (query = '') => send(base, 'GET', `/v2/_catalog${query}`, { token: answer.json.token });
  expect((await list()).json).toEqual({ repositories: [privateName, 'example.com/zeta'] });
  const page = await list('?n=1');
  expect([page.json.repositories, page.headers.get('link')]).toEqual([
    [privateName],
    '</v2/_catalog?n=1&last=example.com%2Fapp>; rel="next"',
  ]);
  expect((await list('?n=1&last=example.com/app')).json.repositories).toEqual(['example.com/zeta']);
  // A token that was not asked for it does not list.
  const other = await ask([`repository:${privateName}:pull`], await login(guest));
  const refused = await send(base, 'GET', '/v2/_catalog', { token: other.json.token });
  expect([refused.status, refused.code]).toEqual([401, 'UNAUTHORIZED']);
  platform.store.transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', guest));
  expect((await list()).json).toEqual({ repositories: [] });
});

test('a repository in a folder is pulled, pushed and listed by its path', async () => {
  const { platform, ask, login, pull } = await start();
  const token = await platform.token(dev);
  const make = async (parent: string, name: string): Promise<string> =>
    (await platform.call(token, 'POST', `/registry/v1/repos/${parent}`, { body: { name } })).body.id;
  const id = await make(demoFolders.platform, 'tools/cli');
  const path = 'example.com/engineering/platform/tools/cli';
  const client = createClient(platform, dev);
  const digest = await client.pushImage(path, 'latest', 'in a folder');
  // It went to the repository that is there, and told of it in its folder's name.
  expect(platform.store.read((tx) => tx.all('SELECT repo FROM tags WHERE digest = ?', digest))).toEqual([{ repo: id }]);
  const pushed = platform.store.read((tx) => tx.all('SELECT subject, group_id FROM outbox ORDER BY seq DESC LIMIT 1'));
  expect(pushed).toEqual([{ subject: id, group_id: demoFolders.platform }]);
  expect((await client.request('GET', `/v2/${path}/tags/list`)).json).toEqual({ name: path, tags: ['latest'] });
  expect((await client.request('GET', '/v2/_catalog')).json.repositories).toContain(path);

  // A right in the folder is enough, and one in another is not.
  const inside = platform.user('inside@example.org', ['registry.pull', demoFolders.engineering]);
  const { json } = await ask([`repository:${path}:pull`], await login(inside));
  expect(await pull(path, json.token)).toEqual([200, undefined]);
  const beside = platform.user('beside@example.org', ['registry.pull', demoFolders.sandbox]);
  expect((await ask([`repository:${path}:pull`], await login(beside))).status).toBe(403);

  // One directly in the organization comes first, also when it is made later.
  expect((await client.request('GET', '/v2/example.com/engineering/tools/cli/tags/list')).code).toBe('NAME_UNKNOWN');
  const direct = await make(organization, 'engineering/platform/tools/cli');
  const other = await client.pushImage(path, 'latest', 'in the organization');
  expect(platform.store.read((tx) => tx.all('SELECT repo FROM tags WHERE digest = ?', other))).toEqual([
    { repo: direct },
  ]);
});

test('several scopes at once: what can be had is given', async () => {
  const { base, ask, login } = await start();
  const answer = await ask(
    [`repository:${privateName}:pull,push repository:${publicName}:pull`, 'repository:nowhere/x:pull'],
    await login(dev),
  );
  expect(answer.status).toBe(200);
  for (const name of [privateName, publicName]) {
    const got = await send(base, 'GET', `/v2/${name}/manifests/latest`, { token: answer.json.token });
    expect(got.status).toBe(200);
  }
});

test('a name can be taken by a verified organization only once', async () => {
  const { platform, base, ask } = await start();
  platform.store.transact((tx) =>
    tx.run("INSERT INTO groups (id, name, created_at, updated_at) VALUES (?, 'chainguard', 0, 0)", 'f'.repeat(40)),
  );
  const answer = await ask([`repository:${publicName}:pull`]);
  const got = await send(base, 'GET', `/v2/${publicName}/manifests/latest`, { token: answer.json.token });
  expect(got.status).toBe(200);
});

test('only GET gives tokens', async () => {
  const { base } = await start();
  expect((await send(base, 'POST', '/token', { body: 'grant_type=password' })).status).toBe(404);
});
