import { expect, test } from 'vitest';
import { dev, guest, organization } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';
import { createClient, digestOf, imageManifest } from './registry-client.ts';

const name = 'example.com/app';

async function start() {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const token = await platform.token(dev);
  const client = createClient(platform, dev);
  const digests = [await client.pushImage(name, 'latest', 'one'), await client.pushImage(name, '1.0.0', 'two')];
  const { body } = await platform.call(token, 'GET', '/registry/v1/repos?name=app');
  const repo: string = body.items[0].id;
  const call = (method: string, path: string, content?: object) =>
    platform.call(token, method, path, content === undefined ? {} : { body: content });
  const list = async (query = '') =>
    (await call('GET', `/registry/v1/tags?uidp.children_of=${repo}${query}`)).body.items;
  return { clock, platform, token, client, repo, call, list, one: digests[0] ?? '', two: digests[1] ?? '' };
}

const names = (tags: { name: string }[]) => tags.map((tag) => tag.name).sort();

test('a tag may be declared before there is anything it could name', async () => {
  const { clock, client, call, list, repo, one } = await start();
  const made = await call('POST', `/registry/v1/tags/${repo}`, { name: 'declared', bundles: ['base'] });
  expect([made.status, made.body]).toEqual([
    200,
    expect.objectContaining({ name: 'declared', digest: '', bundles: ['base'] }),
  ]);
  const { id } = made.body;
  expect((await call('POST', `/registry/v1/tags/${repo}`, { name: 'declared' })).status).toBe(409);
  expect(await list('&name=declared')).toEqual([made.body]);
  // A client of the registry finds nothing there yet.
  expect((await client.request('GET', `/v2/${name}/tags/list`)).json.tags).toEqual(['1.0.0', 'latest']);
  expect((await client.request('GET', `/v2/${name}/manifests/declared`)).code).toBe('MANIFEST_UNKNOWN');
  expect((await call('GET', `/registry/v1/tag_history?parent_id=${id}`)).body.items ?? []).toEqual([]);
  expect((await call('GET', `/registry/v1/repos/${repo}/tags_summary`)).body).not.toMatchObject({
    latestTag: { name: 'declared' },
  });
  const follower = await call('POST', `/registry/v1/repos/${organization}`, {
    name: 'follower',
    sync_config: { source: repo },
  });
  const followed = await call('GET', `/registry/v1/tags?uidp.children_of=${follower.body.id}`);
  expect(names(followed.body.items)).toEqual(['1.0.0', 'latest']);

  // Changing what is said of it is no push, renaming it neither.
  const changed = await call('PUT', `/registry/v1/tags/${id}`, { name: 'renamed', deprecated: true });
  expect(changed.body).toMatchObject({ id, name: 'renamed', digest: '', deprecated: true, bundles: [] });
  clock.advance(1000);
  expect((await client.pushManifest(name, 'renamed', imageManifest('{}', 'one'))).status).toBe(201);
  const [pushed] = await list('&name=renamed');
  expect(pushed).toMatchObject({ id, digest: one, deprecated: true, lastUpdated: new Date(clock.now()).toISOString() });
  expect((await client.request('GET', `/v2/${name}/manifests/renamed`)).status).toBe(200);
  expect((await call('DELETE', `/registry/v1/tags/${id}`)).status).toBe(200);
});

test('pushed tags are in the list, with every filter', async () => {
  const { clock, client, list, repo, one, two, call } = await start();
  const all = await list();
  expect(all).toHaveLength(2);
  expect(all[0]).toEqual({
    id: expect.stringMatching(new RegExp(`^${repo}/[0-9a-f]{16}$`)),
    name: expect.any(String),
    digest: expect.stringMatching(/^sha256:/),
    lastUpdated: '2026-03-27T13:55:00.785Z',
    deprecated: false,
    bundles: [],
  });
  for (const tag of [
    `sha256-${'0'.repeat(64)}.sig`,
    'latest-20260101',
    '1.0.0-r0',
    '1.0.0-r12',
    'latest-2026010',
    'r0',
  ]) {
    await client.pushManifest(name, tag, imageManifest('{}', 'one'));
  }
  expect(names(await list('&exclude_referrers=true'))).not.toContain(`sha256-${'0'.repeat(64)}.sig`);
  const plain = await list('&excludeReferrers=true&excludeDates=true&excludeEpochs=true');
  expect(names(plain)).toEqual(['1.0.0', 'latest', 'latest-2026010', 'r0']);
  expect(names(await list(`&digest=${two}`))).toEqual(['1.0.0']);
  expect(names(await list('&name=latest'))).toEqual(['latest']);
  const since = new Date(clock.now()).toISOString();
  clock.advance(60_000);
  await client.pushManifest(name, 'later', imageManifest('{}', 'one'));
  expect(names(await list(`&updated_since=${since}`))).toEqual(['later']);
  expect((await list(`&digest=${one}`)).length).toBeGreaterThan(5);
  // Below an organization too, and one by its id.
  expect(
    (await call('GET', `/registry/v1/tags?uidp.descendants_of=${organization}&name=later`)).body.items,
  ).toHaveLength(1);
  expect((await call('GET', `/registry/v1/tags?id=${all[0].id}`)).body.items).toEqual([all[0]]);
});

test('a tag is made, moved, described and removed by the API, and its history tells', async () => {
  const { clock, platform, client, call, repo, one, two } = await start();
  expect((await call('POST', `/registry/v1/tags/${repo}`, { name: '.x', digest: one })).body.code).toBe(3);
  expect((await call('POST', `/registry/v1/tags/${repo}`, { name: 'x', digest: 'one' })).body.code).toBe(3);
  expect((await call('POST', `/registry/v1/tags/${repo}`, { name: 'x', digest: digestOf('none') })).body.code).toBe(5);
  expect((await call('POST', `/registry/v1/tags/${repo}`, { name: 'latest', digest: one })).body.code).toBe(6);
  const before = platform.events().length;
  const made = (await call('POST', `/registry/v1/tags/${repo}`, { name: 'stable', digest: one })).body;
  clock.advance(1000);
  const moved = (
    await call('PUT', `/registry/v1/tags/${made.id}`, {
      name: 'stable',
      digest: two,
      deprecated: true,
      bundles: ['base'],
    })
  ).body;
  expect(moved).toMatchObject({ id: made.id, digest: two, deprecated: true, bundles: ['base'] });
  expect((await client.request('HEAD', `/v2/${name}/manifests/stable`)).headers.get('docker-content-digest')).toBe(two);
  const history = (await call('GET', `/registry/v1/tags/${made.id}/history`)).body.items;
  expect(history).toEqual([
    { updateTimestamp: '2026-03-27T13:55:00.785Z', digest: one },
    { updateTimestamp: '2026-03-27T13:55:01.785Z', digest: two },
  ]);
  const later = '?start=2026-03-27T13:55:01Z';
  expect((await call('GET', `/registry/v1/tags/${made.id}/history${later}`)).body.items).toEqual(history.slice(1));

  const renamed = (await call('PUT', `/registry/v1/tags/${made.id}`, { name: 'steady' })).body;
  expect(renamed).toMatchObject({ id: made.id, name: 'steady', digest: two, deprecated: false, bundles: [] });
  expect((await client.request('HEAD', `/v2/${name}/manifests/stable`)).status).toBe(404);
  expect((await call('DELETE', `/registry/v1/tags/${made.id}`)).body).toEqual({});
  expect((await call('DELETE', `/registry/v1/tags/${made.id}`)).status).toBe(404);
  expect((await client.request('HEAD', `/v2/${name}/manifests/${two}`)).status).toBe(200);

  const events = platform
    .events()
    .slice(before)
    .filter(({ type }) => type.includes('.tag.'));
  const type = (verb: string) => `dev.chainguard.api.platform.registry.tag.${verb}.v1`;
  expect(events.map((event) => event.type)).toEqual([
    type('created'),
    type('updated'),
    type('updated'),
    type('deleted'),
  ]);
  expect(new Set(events.map((event) => event.subject))).toEqual(new Set([made.id]));
  const groups = platform.store.read((tx) => tx.all("SELECT DISTINCT group_id FROM outbox WHERE type LIKE '%.tag.%'"));
  expect(groups).toEqual([{ group_id: organization }]);
});

test('tags need their own capabilities', async () => {
  const { platform, repo, one } = await start();
  const reader = await platform.token(guest);
  const make = await platform.call(reader, 'POST', `/registry/v1/tags/${repo}`, { body: { name: 'x', digest: one } });
  expect(make.body.message).toBe('missing: tag.create');
  expect((await platform.call(reader, 'GET', `/registry/v1/tags?uidp.children_of=${repo}`)).body.items).toHaveLength(2);
  const stranger = await platform.token(platform.user('stranger@example.com'));
  expect((await platform.call(stranger, 'GET', `/registry/v1/tags?uidp.children_of=${repo}`)).body.items).toEqual([]);
});

test('the summary of a repository names its newest tag and version', async () => {
  const { platform, clock, client, call, repo } = await start();
  clock.advance(5000);
  await client.pushManifest(name, '1.2.3', imageManifest('{}', 'one'));
  await client.pushManifest(name, '1.2', imageManifest('{}', 'one'));
  const summary = (await call('GET', `/registry/v1/repotagssummary/${repo}`)).body;
  expect(summary).toMatchObject({
    id: repo,
    tagCount: '4',
    lastUpdated: '2026-03-27T13:55:05.785Z',
    latestTag: { name: 'latest' },
    latestVersion: '1.2.3',
  });
  expect((await call('GET', `/registry/v1/repos/${repo}:updatestatus`)).body).toEqual({ recentlyUpdated: true });
  clock.advance(2 * 86_400_000);
  const later = await platform.call(await platform.token(dev), 'GET', `/registry/v1/repos/${repo}:updatestatus`);
  expect(later.body).toEqual({ recentlyUpdated: false });
});

test('two thousand repositories with twenty tags each come in one answer', async () => {
  const { platform, token } = await start();
  platform.store.transact((tx) => {
    const hex = (number: number) => number.toString(16).padStart(16, '0');
    for (let repo = 0; repo < 2000; repo++) {
      const id = `${organization}/${hex(repo)}`;
      tx.run(
        'INSERT INTO repos (id, parent, name, created_at, updated_at) VALUES (?, ?, ?, 1, 1)',
        id,
        organization,
        `many-${repo}`,
      );
      for (let tag = 0; tag < 20; tag++) {
        tx.run(
          'INSERT INTO tags (id, repo, name, digest, updated_at) VALUES (?, ?, ?, ?, 1)',
          `${id}/${hex(tag)}`,
          id,
          `v${tag}`,
          'sha256:00',
        );
      }
    }
  });
  const answer = await platform.call(
    token,
    'GET',
    `/registry/v1/tags?uidp.descendants_of=${organization}&exclude_dates=true`,
  );
  expect(answer.body.items.length).toBeGreaterThanOrEqual(40_000);
  expect((await platform.call(token, 'GET', '/registry/v1/repos')).body.items.length).toBeGreaterThan(2000);
});
