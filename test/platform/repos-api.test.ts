import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations, dev, guest, organization } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { createClient } from './registry-client.ts';

const created = 'dev.chainguard.api.platform.registry.repo.created.v1';
const updated = 'dev.chainguard.api.platform.registry.repo.updated.v1';

async function start(seed: 'people' | 'demo' = 'people') {
  const platform = await startTestPlatform({ seed });
  const token = await platform.token(dev);
  const create = (body: object, query = '', parent = organization) =>
    platform.call(token, 'POST', `/registry/v1/repos/${parent}${query}`, { body });
  const list = (query = '') => platform.call(token, 'GET', `/registry/v1/repos${query}`);
  return { platform, token, create, list };
}

const names = (answer: { body: { items: { name: string }[] } }) => answer.body.items.map((item) => item.name).sort();

test('a repository is made, found, replaced and removed, each with its event', async () => {
  const { platform, token, create, list } = await start();
  const made = await create({
    name: 'web/front',
    catalogTier: 'APPLICATION',
    bundles: ['application', 'featured'],
    readme: '# Front\n\n```html\n<script>x()</script>\n```\n',
    aliases: ['front:latest', 'registry.example.com/front:1.2'],
    activeTags: ['1.2'],
    description: 'The front',
  });
  expect(made.status).toBe(200);
  expect(made.body).toMatchObject({
    id: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
    name: 'web/front',
    catalogTier: 'APPLICATION',
    bundles: ['application', 'featured'],
    aliases: ['front:latest', 'registry.example.com/front:1.2'],
    activeTags: ['1.2'],
    description: 'The front',
    createTime: '2026-03-27T13:55:00.785Z',
    sync_config: null,
    customOverlay: null,
  });
  const { id } = made.body;
  expect((await list(`?id=${id}`)).body.items).toEqual([made.body]);
  expect(names(await list(`?uidp.children_of=${organization}&name=web/front`))).toEqual(['web/front']);
  expect(names(await list(`?uidp.children_of=${demoFolders.engineering}`))).toEqual([]);

  // PUT replaces: what is left out is cleared, what only the platform says stays.
  const put = await platform.call(token, 'PUT', `/registry/v1/repos/${id}`, { body: { name: 'front', id: 'x' } });
  expect(put.body).toMatchObject({
    id,
    name: 'front',
    catalogTier: 'UNKNOWN',
    bundles: [],
    readme: '',
    description: '',
  });
  expect(put.body.createTime).toBe(made.body.createTime);

  expect((await platform.call(token, 'DELETE', `/registry/v1/repos/${id}`)).body).toEqual({});
  expect((await list(`?id=${id}`)).body.items).toEqual([]);
  expect((await platform.call(token, 'DELETE', `/registry/v1/repos/${id}`)).status).toBe(404);
  expect(platform.events()).toEqual([
    { type: created, subject: id },
    { type: updated, subject: id },
    { type: 'dev.chainguard.api.platform.registry.repo.deleted.v1', subject: id },
  ]);
  const row = platform.store.read((tx) => tx.get('SELECT group_id, body FROM outbox WHERE type = ?', created));
  expect(row?.['group_id']).toBe(organization);
  expect(JSON.parse(String(row?.['body']))).toMatchObject({
    id,
    name: 'web/front',
    bundles: ['application', 'featured'],
  });
});

test('a name clash updates the repository, unless that is forbidden', async () => {
  const { platform, create, list } = await start();
  const first = await create({ name: 'app', description: 'one' });
  const second = await create({ name: 'app', description: 'two' });
  expect(second.body).toMatchObject({ id: first.body.id, description: 'two' });
  const third = await create({ name: 'app', description: 'three' }, '?prevent_existing=true');
  expect([third.status, third.body.code]).toEqual([409, 6]);
  expect((await list(`?id=${first.body.id}`)).body.items[0].description).toBe('two');
  expect(platform.events()).toHaveLength(2);

  const other = await create({ name: 'other' });
  const clash = await platform.call(await platform.token(dev), 'PUT', `/registry/v1/repos/${other.body.id}`, {
    body: { name: 'app' },
  });
  expect(clash.body.code).toBe(6);
});

test('a source is named as in the catalog, by organization, as an image or by id; answered is its id', async () => {
  const { platform, token, create, list } = await start('demo');
  const redis = (await list(`?name=redis&uidp.children_of=${demoOrganizations.public}`)).body.items[0].id;
  for (const [index, source] of [redis, 'redis', 'chainguard/redis', 'cgr.dev/chainguard/redis:latest'].entries()) {
    const made = await create({ name: `redis-${index}`, sync_config: { source } });
    expect([made.status, made.body.sync_config?.source], source).toEqual([200, redis]);
    const tags = await platform.call(token, 'GET', `/registry/v1/tags?uidp.children_of=${made.body.id}`);
    expect(tags.body.items.length).toBeGreaterThan(0);
    // By an update too, and written again as it was answered.
    const renamed = await platform.call(token, 'PUT', `/registry/v1/repos/${made.body.id}`, {
      body: { ...made.body, sync_config: { source: 'cgr.dev/chainguard/redis' }, description: 'again' },
    });
    expect([renamed.status, renamed.body.sync_config.source]).toEqual([200, redis]);
  }
  for (const source of ['none', 'chainguard/none', 'cgr.dev/chainguard/none', 'other/redis']) {
    const refused = await create({ name: 'x', sync_config: { source } });
    expect([refused.status, refused.body.message]).toEqual([404, `sync_config.source: "${source}" not found`]);
  }
});

test('a source that the caller may not see is not found by its name either', async () => {
  const { platform, create } = await start();
  const stranger = platform.user('stranger@example.org');
  const founder = await platform.token(stranger);
  const made = await platform.call(founder, 'POST', '/iam/v1/groups', { body: { name: 'acme.test' } });
  const theirs = await platform.call(await platform.token(stranger), 'POST', `/registry/v1/repos/${made.body.id}`, {
    body: { name: 'secret' },
  });
  expect(theirs.status).toBe(200);
  const refused = await create({ name: 'x', sync_config: { source: 'acme.test/secret' } });
  expect([refused.status, refused.body.message]).toEqual([404, 'sync_config.source: "acme.test/secret" not found']);
});

test('fields are held to the rules of semantics 2', async () => {
  const { create } = await start();
  const refused: [object, string][] = [
    [{}, 'name must match'],
    [{ name: 'Upper' }, 'name must match'],
    [{ name: 'a'.repeat(230) }, 'name must match'],
    [{ name: 'a', bundles: [''] }, 'bundle ""'],
    [{ name: 'a', bundles: ['free'] }, 'bundle "free"'],
    [{ name: 'a', aliases: ['nginx'] }, 'each alias must match "^[a-zA-Z0-9_.\\\\-/]*'],
    [{ name: 'a', aliases: ['nginx@sha256:00'] }, 'each alias must match'],
    [{ name: 'a', description: 'two\nlines' }, 'description must match'],
    [{ name: 'a', catalogTier: 3 }, 'catalog_tier 3 is not'],
    [{ name: 'a', activeTags: ['.x'] }, 'tag must match'],
    [{ name: 'a', readme: '<script>alert(1)</script>' }, 'unsafe HTML: the element "script"'],
    [{ name: 'a', customOverlay: { environment: { CHAINGUARD_X: '1' } } }, '"CHAINGUARD_X" is reserved'],
    [{ name: 'a', customOverlay: { annotations: { 'org.opencontainers.image.x': '1' } } }, 'is reserved'],
    [{ name: 'a', customOverlay: { contents: { packages: ['../x'] } } }, 'is not a package'],
    [
      { name: 'a', customOverlay: { certificates: { additional: [{ name: '../ca', content: 'x' }] } } },
      'safe file name',
    ],
    [{ name: 'a', customOverlay: { accounts: { users: [{ userName: 'x:0:0\n' }] } } }, 'not the name of a user'],
  ];
  for (const [repo, message] of refused) {
    const answer = await create(repo);
    expect([answer.status, answer.body.code], JSON.stringify(repo)).toEqual([400, 3]);
    expect(answer.body.message).toContain(message);
  }
});

test('readmes: what a sanitiser would leave alone is taken, what it would change is not', async () => {
  const { create } = await start();
  const fine = [
    '',
    '# Title\n\nSome `<script>` in code, ``a ` b <iframe>`` too.\n\n~~~\n<style>\n~~~\n',
    '<!-- note --> <img src="logo.png" width="20" alt="x"> <a href="https://example.com">x</a>',
    'See <https://example.com/a?b=c> or <me@example.com>, 1 < 2 and [ref]\n\n[ref]: ./doc.md',
    '<details open><summary>More</summary><code class="language-go">x</code></details>',
  ];
  for (const [position, readme] of fine.entries()) {
    expect((await create({ name: `fine-${position}`, readme })).status, readme).toBe(200);
  }
  const unsafe = [
    '<SCRIPT>x</SCRIPT>',
    '```\ncode\n```\n<style>x</style>',
    '<img src=x onerror="y()">',
    '<a href="javascript:x()">x</a>',
    '<a href="java&#115;cript:x()">x</a>',
    '[x](javascript:alert(1))',
    '[x]: data:text/html;base64,xx',
    '<iframe src="https://example.com"></iframe>',
    '<javascript:alert(1)>',
    'unclosed `<b onclick="x()">',
    '<code class="other">x</code>',
  ];
  for (const readme of unsafe) expect((await create({ name: 'unsafe', readme })).body.code, readme).toBe(3);
});

test('who may not see a repository is told it is not there, who may only look cannot change it', async () => {
  const { platform, create } = await start();
  const { id } = (await create({ name: 'app' })).body;
  const stranger = await platform.token(platform.user('stranger@example.com'));
  const reader = await platform.token(guest);
  const statuses = async (token: string) => [
    (await platform.call(token, 'PUT', `/registry/v1/repos/${id}`, { body: { name: 'app' } })).status,
    (await platform.call(token, 'DELETE', `/registry/v1/repos/${id}`)).status,
    (await platform.call(token, 'GET', `/registry/v1/repos/${id}/digests/sha256:00/size`)).status,
    (await platform.call(token, 'GET', `/registry/v1/repos?id=${id}`)).body.items.length,
  ];
  expect(await statuses(stranger)).toEqual([404, 404, 404, 0]);
  expect(await statuses(reader)).toEqual([403, 403, 404, 1]);
  expect((await platform.call(undefined, 'GET', '/registry/v1/repos')).status).toBe(401);
});

test('public repositories are listed for whoever names their place, and are not mixed into plain lists', async () => {
  const { platform, token, list } = await start('demo');
  expect(names(await list())).toEqual(['app', 'nginx', 'python']);
  const open = await list(`?uidp.children_of=${demoOrganizations.public}`);
  expect(names(open)).toEqual([
    'charts/nginx',
    'go',
    'iamguarded-charts/nginx',
    'nginx',
    'node',
    'python',
    'redis',
    'static',
  ]);
  expect(names(await list(`?uidp.descendants_of=${demoOrganizations.public}&name=node`))).toEqual(['node']);
  const stranger = await platform.token(platform.user('stranger@example.com'));
  expect((await platform.call(stranger, 'GET', '/registry/v1/repos')).body.items).toEqual([]);
  const { id } = open.body.items.find((repo: { name: string }) => repo.name === 'node');
  const tags = await platform.call(stranger, 'GET', `/registry/v1/tags?uidp.children_of=${id}&name=latest`);
  expect(tags.body.items).toHaveLength(1);
  const read = await platform.call(
    stranger,
    'GET',
    `/registry/v1/repos/${id}/digests/${tags.body.items[0].digest}/architectures`,
  );
  expect(read.body.archs).toEqual(['amd64', 'arm64']);
  // Looking is all: nobody writes there.
  expect((await platform.call(token, 'DELETE', `/registry/v1/repos/${id}`)).status).toBe(404);
  expect(
    (await platform.call(stranger, 'GET', `/registry/v1/buildreports?uidp.children_of=${id}`)).body.reports,
  ).toEqual([]);
});

test('a group with a repository cannot be deleted; a deleted repository takes its images along', async () => {
  const { platform, token, create } = await start();
  const client = createClient(platform, dev);
  await client.pushImage('example.com/app', '1', 'layer');
  const { id } = (await create({ name: 'app' })).body;
  const made = await platform.call(token, 'POST', `/registry/v1/repos/${demoFolders.sandbox}`, { body: { name: 'x' } });
  const kept = await platform.call(token, 'DELETE', `/iam/v1/groups/${demoFolders.sandbox}`);
  expect([kept.status, kept.body.code]).toEqual([400, 9]);
  await platform.call(token, 'DELETE', `/registry/v1/repos/${made.body.id}`);
  expect((await platform.call(token, 'DELETE', `/iam/v1/groups/${demoFolders.sandbox}`)).status).toBe(200);

  await platform.call(token, 'DELETE', `/registry/v1/repos/${id}`);
  expect((await client.request('GET', '/v2/example.com/app/manifests/1')).status).toBe(404);
});

async function repoNamed(platform: TestPlatform, token: string, parent: string, name: string): Promise<string> {
  const { body } = await platform.call(token, 'GET', `/registry/v1/repos?uidp.children_of=${parent}&name=${name}`);
  return body.items[0].id;
}

test('a repository with a source has its tier, bundles, aliases and active tags, as they are now', async () => {
  const { platform, token, create } = await start('demo');
  const path = (id: string) => `/registry/v1/repos/${id}`;
  const read = async (id: string) =>
    (await platform.call(token, 'GET', `/registry/v1/repos?id=${encodeURIComponent(id)}`)).body.items[0];
  const write = (id: string, body: object) => platform.call(token, 'PUT', path(id), { body });
  const app = await repoNamed(platform, token, organization, 'app');
  const source = await read(app);
  expect(source.activeTags).toContain('latest');
  const follower = (await create({ name: 'follower', sync_config: { source: app } })).body;
  const shared = ({ catalogTier, bundles, aliases, activeTags }: typeof source) => ({
    catalogTier,
    bundles,
    aliases,
    activeTags,
  });
  expect(shared(follower)).toEqual(shared(source));

  // Written back as it was read, it still has what the source has from then on; only a tier of its own stays.
  expect((await write(follower.id, { ...follower, description: 'Mine' })).status).toBe(200);
  const tier = (await create({ name: 'own-tier', catalogTier: 'FIPS', sync_config: { source: app } })).body;
  await write(app, { ...source, activeTags: ['1.6', 'latest'], bundles: ['featured'], catalogTier: 'BASE' });
  expect(await read(follower.id)).toMatchObject({
    description: 'Mine',
    activeTags: ['1.6', 'latest'],
    bundles: ['featured'],
    catalogTier: 'BASE',
  });
  expect(await read(tier.id)).toMatchObject({ activeTags: ['1.6', 'latest'], catalogTier: 'FIPS' });
});

test('a repository with a source has its tags, and follows them as they move', async () => {
  const { platform, token, create } = await start('demo');
  const client = createClient(platform, dev);
  const source = await repoNamed(platform, token, demoOrganizations.public, 'static');
  const { id, sync_config } = (await create({ name: 'mirror', sync_config: { source } })).body;
  expect(sync_config).toMatchObject({ source });
  const tagsOf = async (name: string) => (await client.request('GET', `/v2/${name}/tags/list`)).json.tags;
  expect(await tagsOf('example.com/mirror')).toEqual(await tagsOf('chainguard/static'));
  const mirrored = await client.request('GET', '/v2/example.com/mirror/manifests/latest');
  const original = await client.request('GET', '/v2/chainguard/static/manifests/latest');
  expect(mirrored.bytes.equals(original.bytes)).toBe(true);
  const [child] = mirrored.json.manifests;
  const referrers = await client.request('GET', `/v2/example.com/mirror/referrers/${child.digest}`);
  expect(referrers.json.manifests).toHaveLength(1);
  const manifest = (await client.request('GET', `/v2/example.com/mirror/manifests/${child.digest}`)).json;
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    expect((await client.request('GET', `/v2/example.com/mirror/blobs/${digest}`)).bytes.length).toBe(size);
  }

  // A private source: its owner pushes, the follower has it at once.
  const app = await repoNamed(platform, token, organization, 'app');
  const follower = (await create({ name: 'follower', sync_config: { source: app } })).body.id;
  const digest = await client.pushImage('example.com/app', 'next', 'new layer');
  expect(
    (await client.request('HEAD', '/v2/example.com/follower/manifests/next')).headers.get('docker-content-digest'),
  ).toBe(digest);
  expect((await platform.call(token, 'GET', `/registry/v1/repocountbysource/${app}`)).body).toEqual({ count: '1' });

  // No chains, no circles, nothing out of sight.
  const put = (target: string, name: string, from: string) =>
    platform.call(token, 'PUT', `/registry/v1/repos/${target}`, { body: { name, sync_config: { source: from } } });
  expect((await put(app, 'app', follower)).body.code).toBe(9);
  expect((await put(app, 'app', app)).body.code).toBe(3);
  const hidden = platform.user('hidden@example.com', ['editor', demoFolders.engineering]);
  const outside = await platform.call(
    await platform.token(hidden),
    'POST',
    `/registry/v1/repos/${demoFolders.engineering}`,
    {
      body: { name: 'x', sync_config: { source: app } },
    },
  );
  expect(outside.status).toBe(404);

  // After its end the source is followed no more.
  await platform.call(token, 'PUT', `/registry/v1/repos/${follower}`, {
    body: { name: 'follower', sync_config: { source: app, expiration: '2026-01-01T00:00:00Z' } },
  });
  await client.pushImage('example.com/app', 'next', 'newer layer');
  expect(
    (await client.request('HEAD', '/v2/example.com/follower/manifests/next')).headers.get('docker-content-digest'),
  ).toBe(digest);
  expect(id).toBeDefined();
});

test('with unique tags, each build a follower gets has a tag that names nothing else', async () => {
  const { platform, token, create } = await start('demo');
  const client = createClient(platform, dev);
  const tagsOf = async (name: string): Promise<string[]> =>
    (await client.request('GET', `/v2/${name}/tags/list`)).json.tags;
  const digestOf = async (name: string, tag: string) =>
    (await client.request('HEAD', `/v2/${name}/manifests/${tag}`)).headers.get('docker-content-digest');
  const source = await repoNamed(platform, token, demoOrganizations.public, 'static');
  const sync_config = { source, uniqueTags: true };
  const { id } = (await create({ name: 'mirror', sync_config: { source } })).body;
  const plain = await tagsOf('example.com/mirror');
  await platform.call(token, 'PUT', `/registry/v1/repos/${id}`, { body: { name: 'mirror', sync_config } });
  const tags = await tagsOf('example.com/mirror');
  const { annotations } = (await client.request('GET', '/v2/chainguard/static/manifests/latest')).json;
  const day = String(annotations['org.opencontainers.image.created']).slice(0, 10).replaceAll('-', '');
  expect(await digestOf('example.com/mirror', `latest-${day}`)).toBe(await digestOf('example.com/mirror', 'latest'));
  // One for each tag that is no attestation's.
  expect(tags).toHaveLength(plain.length + plain.filter((tag) => !tag.startsWith('sha256-')).length);

  // Two builds of one day, of an image that says nothing of its own date.
  const app = await repoNamed(platform, token, organization, 'app');
  await create({ name: 'follower', sync_config: { source: app, uniqueTags: true } });
  const today = '20260327';
  const digests = [];
  for (const layer of ['one', 'two', 'three', 'four']) {
    digests.push(await client.pushImage('example.com/app', 'next', layer));
  }
  const unique = (await tagsOf('example.com/follower')).filter((tag) => tag.startsWith('next-'));
  expect(unique).toEqual([`next-${today}`, `next-${today}1355`, `next-${today}135500`]);
  for (const [position, tag] of unique.entries()) {
    expect(await digestOf('example.com/follower', tag)).toBe(digests[position]);
  }
  expect((await tagsOf('example.com/app')).filter((tag) => tag.startsWith('next'))).toEqual(['next']);
});
