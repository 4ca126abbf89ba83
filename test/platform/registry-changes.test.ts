// What a push, a deletion, a sync or a build changes besides content, and the events that tell of it.

import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations, dev, organization } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { createClient, digestOf, imageManifest, ociIndex, ociManifest } from './registry-client.ts';

const created = 'dev.chainguard.api.platform.registry.repo.created.v1';
const push = 'dev.chainguard.registry.push.v1';

interface Stored {
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly group: string;
  // biome-ignore lint/suspicious/noExplicitAny: events of every shape
  readonly body: any;
  readonly actor: { readonly subject?: string };
}

const stored = (platform: TestPlatform): Stored[] =>
  platform.store.read((tx) =>
    tx.all('SELECT * FROM outbox ORDER BY seq').map((row) => ({
      type: String(row['type']),
      source: String(row['source']),
      subject: String(row['subject']),
      group: String(row['group_id']),
      body: JSON.parse(String(row['body'])),
      actor: JSON.parse(String(row['actor'])),
    })),
  );

async function start(seed: 'people' | 'demo' = 'people') {
  const platform = await startTestPlatform({ seed });
  const token = await platform.token(dev);
  const client = createClient(platform, dev);
  const call = (method: string, path: string, body?: object) =>
    platform.call(token, method, path, body === undefined ? {} : { body });
  const repo = async (name: string, parent = organization) =>
    (await call('GET', `/registry/v1/repos?uidp.children_of=${parent}&name=${name}`)).body.items[0];
  return { platform, client, call, repo };
}

test('a repository that a push makes is told of as the one that the API makes, before the push', async () => {
  const { platform, client, call, repo } = await start();
  await client.pushImage('example.com/pushed', '1', 'layer');
  const pushed = await repo('pushed');
  const events = stored(platform);
  expect(events.map(({ type }) => type)).toEqual([created, push, push, push]);
  const { body: made } = await call('POST', `/registry/v1/repos/${organization}`, { name: 'made' });
  const asked = stored(platform).at(-1);
  expect(asked?.type).toBe(created);
  // The same in every word but those that name the repository.
  const renamed = JSON.parse(
    JSON.stringify(asked).replaceAll(made.id, pushed.id).replaceAll('"name":"made"', '"name":"pushed"'),
  );
  expect(events[0]).toEqual(renamed);
  expect(events[0]).toMatchObject({ subject: pushed.id, group: organization, actor: { subject: dev } });
  // Once: what is there is not made again.
  await client.pushImage('example.com/pushed', '2', 'other');
  expect(stored(platform).filter(({ subject, type }) => subject === pushed.id && type === created)).toHaveLength(1);
});

test('every way to push makes it once, and a refused one leaves neither repository nor event', async () => {
  const { platform, client, repo } = await start();
  expect((await client.request('POST', '/v2/example.com/upload/blobs/uploads/')).status).toBe(202);
  const shared = await client.pushBlob('example.com/upload', 'shared');
  const mounted = await client.request(
    'POST',
    `/v2/example.com/mounted/blobs/uploads/?mount=${shared}&from=example.com/upload`,
  );
  expect(mounted.status).toBe(201);
  const empty = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [] });
  expect((await client.pushManifest('example.com/index', 'latest', empty, ociIndex)).status).toBe(201);
  const names = () =>
    stored(platform)
      .filter(({ type }) => type === created)
      .map(({ body }) => body.name);
  expect(names()).toEqual(['upload', 'mounted', 'index']);

  const dangling = imageManifest('{}', 'nowhere');
  expect((await client.pushManifest('example.com/refused', 'latest', dangling)).status).toBe(400);
  expect(await repo('refused')).toBeUndefined();
  expect(names()).toHaveLength(3);
});

test('many at once to one new repository make it once', async () => {
  const { platform, client } = await start();
  const digests = await Promise.all(
    Array.from({ length: 20 }, (_, at) => client.pushImage('example.com/busy', 'latest', `layer ${at % 4}`)),
  );
  const events = stored(platform);
  expect(events.filter(({ type }) => type === created)).toHaveLength(1);
  expect(events[0]?.type).toBe(created);
  const named = await client.request('GET', '/v2/example.com/busy/manifests/latest');
  expect(digests).toContain(digestOf(named.bytes));
  // What each tag event says was there before is what the one before it says is there now.
  const moves = events.filter(({ type, body }) => type === push && body.tag === 'latest').map(({ body }) => body);
  let last: string | undefined;
  for (const { digest, tag_previous_digest: previous } of moves) {
    expect(previous).toBe(digest === last ? undefined : last);
    last = digest;
  }
  expect(last).toBe(digestOf(named.bytes));
});

test('a repository that is deleted while many push to it is a refusal or a new one, never a defect', async () => {
  const { platform, client, call, repo } = await start();
  const statuses = new Set<number>();
  const push = async (at: number) => {
    const started = await client.request('POST', '/v2/example.com/brief/blobs/uploads/');
    statuses.add(started.status);
    const bytes = `blob ${at}`;
    const path = `${started.headers.get('location')}?digest=${digestOf(bytes)}`;
    if (started.status === 202) statuses.add((await client.request('PUT', path, { body: bytes })).status);
  };
  for (let round = 0; round < 20; round++) {
    const pushes = Array.from({ length: 8 }, (_, at) => push(round * 8 + at));
    const found = await repo('brief');
    if (found !== undefined) await call('DELETE', `/registry/v1/repos/${found.id}`);
    await Promise.all(pushes);
  }
  expect([...statuses].filter((status) => ![201, 202, 404].includes(status))).toEqual([]);
  expect(platform.log.filter(({ error }) => error !== undefined)).toEqual([]);
});

test('tags that the registry deletes are told of as those that the API deletes', async () => {
  const { platform, client, call, repo } = await start();
  const digest = await client.pushImage('example.com/app', '1', 'layer');
  await client.pushManifest('example.com/app', '2', imageManifest('{}', 'layer'));
  await client.pushManifest('example.com/app', '3', imageManifest('{}', 'layer'));
  const { id } = await repo('app');
  const tags: { id: string; name: string }[] = (await call('GET', `/registry/v1/tags?uidp.children_of=${id}`)).body
    .items;
  const idOf = (name: string) => tags.find((tag) => tag.name === name)?.id;
  const deleted = () =>
    stored(platform)
      .filter(({ type }) => type === 'dev.chainguard.api.platform.registry.tag.deleted.v1')
      .map(({ subject, group, body, actor }) => ({ subject, group, body, actor: actor.subject }));
  const event = (name: string) => ({
    subject: idOf(name),
    group: organization,
    body: { id: idOf(name) },
    actor: dev,
  });
  expect((await client.request('DELETE', '/v2/example.com/app/manifests/1')).status).toBe(202);
  expect(deleted()).toEqual([event('1')]);
  expect((await client.request('DELETE', '/v2/example.com/app/manifests/1')).status).toBe(404);
  await call('DELETE', `/registry/v1/tags/${idOf('2')}`);
  expect(deleted()).toEqual([event('1'), event('2')]);
  expect((await client.request('DELETE', `/v2/example.com/app/manifests/${digest}`)).status).toBe(202);
  expect(deleted()).toEqual([event('1'), event('2'), event('3')]);
});

test('what a source gives its followers is a push to each of them', async () => {
  const { platform, client, call, repo } = await start();
  const first = await client.pushImage('example.com/source', '1', 'one');
  const source = (await repo('source')).id;
  const { body: follower } = await call('POST', `/registry/v1/repos/${organization}`, {
    name: 'follower',
    sync_config: { source },
  });
  const about = (subject: string) => stored(platform).filter((event) => event.subject === subject);
  // The repository comes before what is in it.
  expect(about(follower.id).map(({ type }) => type)).toEqual([created, push]);
  expect(about(follower.id)[1]).toMatchObject({
    source: 'cgr.dev',
    group: organization,
    body: {
      repository: 'example.com/follower',
      display_name: 'follower',
      repo_id: follower.id,
      tag: '1',
      digest: first,
      type: 'manifest',
    },
    actor: {},
  });
  const second = await client.pushImage('example.com/source', '1', 'two');
  expect(about(follower.id).at(-1)?.body).toMatchObject({ tag: '1', digest: second, tag_previous_digest: first });
  // A tag that stays where it is moves nowhere else either.
  const before = about(follower.id).length;
  await client.pushImage('example.com/source', '1', 'two');
  expect(about(follower.id)).toHaveLength(before);
});

test('a chart brings repositories, and each is told of', async () => {
  const { platform, call } = await start('demo');
  const found = (await call('GET', '/registry/v1/charts:find?name=nginx&catalog=CHART_CATALOG_IAMGUARDED')).body;
  const before = stored(platform).length;
  const { repos } = (await call('POST', `/registry/v1/repos/${organization}:addChart`, found)).body;
  const made = repos.filter((one: { created: boolean }) => one.created);
  const events = stored(platform).slice(before);
  expect(events.filter(({ type }) => type === created).map(({ subject, body }) => [subject, body.name])).toEqual(
    made.map((one: { id: string; name: string }) => [one.id, one.name]),
  );
  const chart = events.findIndex(({ type }) => type === 'dev.chainguard.api.platform.registry.chart.added.v1');
  expect(chart).toBe(made.length);
  expect(new Set(events.slice(chart + 1).map(({ type }) => type))).toEqual(new Set([push]));
});

test('a customized image is pushed by the platform', async () => {
  const { platform, call } = await start('demo');
  const source = (await call('GET', `/registry/v1/repos?uidp.children_of=${demoOrganizations.public}&name=static`)).body
    .items[0].id;
  const { body: custom } = await call('POST', `/registry/v1/repos/${organization}`, {
    name: 'custom',
    sync_config: { source },
    customOverlay: { environment: { ONE: '1' } },
  });
  const pushes = () => stored(platform).filter(({ type, subject }) => type === push && subject === custom.id);
  await expect.poll(() => pushes().map(({ body }) => body.tag), { timeout: 50_000 }).toContain('latest');
  const named = pushes().find(({ body }) => body.tag === 'latest')?.body.digest;
  const tags = (await call('GET', `/registry/v1/tags?uidp.children_of=${custom.id}&name=latest`)).body.items;
  expect(tags[0].digest).toBe(named);
});

test('an index may list what is no manifest, which stays as long as the index does', async () => {
  const { platform, client } = await start();
  const layer = await client.pushBlob('example.com/cache', 'cached layer');
  const config = await client.pushBlob('example.com/cache', '{"layers":[]}');
  const list = (digest: string, size: number) =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size },
        { mediaType: 'application/vnd.buildkit.cacheconfig.v0', digest: config, size: 13 },
      ],
    });
  expect((await client.pushManifest('example.com/cache', 'main', list(layer, 12), ociIndex)).status).toBe(201);
  expect((await client.pushManifest('example.com/cache', 'main', list(layer, 13), ociIndex)).code).toBe(
    'MANIFEST_INVALID',
  );
  expect((await client.pushManifest('example.com/cache', 'main', list(digestOf('none'), 4), ociIndex)).code).toBe(
    'MANIFEST_BLOB_UNKNOWN',
  );
  const kept = platform.store.read((tx) => tx.all('SELECT digest FROM manifest_blobs ORDER BY digest'));
  expect(kept.map(({ digest }) => digest)).toEqual([config, layer].sort());
  expect((await client.request('DELETE', `/v2/example.com/cache/blobs/${layer}`)).status).toBe(405);
  // A manifest that is missing is one still.
  const missing = { mediaType: ociManifest, digest: digestOf('none'), size: 4 };
  const index = JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [missing] });
  expect((await client.pushManifest('example.com/cache', 'main', index, ociIndex)).code).toBe('MANIFEST_BLOB_UNKNOWN');
});

test('a repository in a folder is told of in the organization when a push makes it there', async () => {
  const { platform, client } = await start();
  // Pushing never makes folders: the slash becomes part of the name, as for every registry.
  const folders = () => platform.store.read((tx) => tx.all('SELECT id FROM groups')).length;
  const before = folders();
  await client.pushBlob('example.com/engineering/new', 'x');
  expect(folders()).toBe(before);
  const [event] = stored(platform);
  expect(event).toMatchObject({ type: created, group: organization, body: { name: 'engineering/new' } });
  expect(event?.group).not.toBe(demoFolders.engineering);
});

test('a push to a repository in a folder names the whole path', async () => {
  const { platform, client, call } = await start();
  const { body: repo } = await call('POST', `/registry/v1/repos/${demoFolders.engineering}`, { name: 'inside' });
  await client.pushImage('example.com/engineering/inside', '1', 'layer');
  expect(stored(platform).at(-1)).toMatchObject({
    type: push,
    subject: repo.id,
    group: demoFolders.engineering,
    body: { repository: 'example.com/engineering/inside', display_name: 'inside', tag: '1' },
  });
});
