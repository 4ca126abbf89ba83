import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createPullLog } from '../../src/local/registry/registry-events.ts';
import { findOrganization, findRepositoryAt } from '../../src/local/registry/repositories.ts';
import { demoOrganizations, dev } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';
import { createClient, digestOf, imageManifest, ociIndex, ociManifest } from './registry-client.ts';

const name = 'example.com/thing';

async function start(clock = new TestClock()) {
  const platform = await startTestPlatform({ clock });
  return { platform, client: createClient(platform, dev) };
}

test('ranges of a blob follow RFC 9110', async () => {
  const { client } = await start();
  const digest = await client.pushBlob(name, '0123456789');
  const path = `/v2/${name}/blobs/${digest}`;
  const part = async (range: string, headers: Record<string, string> = {}) => {
    const got = await client.request('GET', path, { headers: { range, ...headers } });
    return [got.status, got.bytes.toString(), got.headers.get('content-range')];
  };
  expect(await part('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10']);
  expect(await part('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10']);
  expect(await part('bytes=7-99')).toEqual([206, '789', 'bytes 7-9/10']);
  expect(await part('bytes=-3')).toEqual([206, '789', 'bytes 7-9/10']);
  expect(await part('bytes=-99')).toEqual([206, '0123456789', 'bytes 0-9/10']);
  expect(await part('bytes=0-0')).toEqual([206, '0', 'bytes 0-0/10']);
  expect((await part('bytes=10-'))[0]).toBe(416);
  expect((await part('bytes=10-'))[2]).toBe('bytes */10');
  expect((await part('bytes=-0'))[0]).toBe(416);
  // What is no single range of bytes is ignored.
  for (const odd of ['bytes=4-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-']) {
    expect(await part(odd)).toEqual([200, '0123456789', null]);
  }
  expect(await part('bytes=2-4', { 'if-range': '"sha256:other"' })).toEqual([200, '0123456789', null]);
  expect(await part('bytes=2-4', { 'if-range': `"${digest}"` })).toEqual([206, '234', 'bytes 2-4/10']);
});

test('HEAD tells what GET would, and a known etag needs no bytes', async () => {
  const { client } = await start();
  const digest = await client.pushBlob(name, 'a layer');
  const head = await client.request('HEAD', `/v2/${name}/blobs/${digest}`);
  expect([head.status, head.bytes.length]).toEqual([200, 0]);
  expect(Object.fromEntries(head.headers)).toMatchObject({
    'content-length': '7',
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    'docker-distribution-api-version': 'registry/2.0',
  });
  const etag = head.headers.get('etag') ?? '';
  const same = await client.request('GET', `/v2/${name}/blobs/${digest}`, { headers: { 'if-none-match': etag } });
  expect([same.status, same.bytes.length]).toEqual([304, 0]);
  for (const known of [`"other", ${etag}`, `W/${etag}`, '*']) {
    const again = await client.request('GET', `/v2/${name}/blobs/${digest}`, { headers: { 'if-none-match': known } });
    expect([known, again.status]).toEqual([known, 304]);
  }
  const other = await client.request('GET', `/v2/${name}/blobs/${digest}`, { headers: { 'if-none-match': '"other"' } });
  expect(other.status).toBe(200);
  // A range is for GET alone: "does it exist" is answered 200 (specification, "Checking if content exists").
  const ranged = await client.request('HEAD', `/v2/${name}/blobs/${digest}`, { headers: { range: 'bytes=2-4' } });
  expect([ranged.status, ranged.headers.get('content-length'), ranged.headers.get('content-range')]).toEqual([
    200,
    '7',
    null,
  ]);
  const absent = await client.request('HEAD', `/v2/${name}/blobs/${digestOf('absent')}`);
  expect([absent.status, absent.bytes.length]).toEqual([404, 0]);
});

test('a blob belongs to the repositories it was pushed to', async () => {
  const { client } = await start();
  const digest = await client.pushBlob('example.com/one', 'only here');
  await client.pushBlob('example.com/two', 'x');
  expect((await client.request('GET', `/v2/example.com/two/blobs/${digest}`)).code).toBe('BLOB_UNKNOWN');
});

test('a file that was tampered with is not served', async () => {
  const { platform, client } = await start();
  const digest = await client.pushBlob(name, 'complete');
  truncateSync(join(platform.dataDir, 'blobs', 'sha256', digest.slice(7, 9), digest.slice(7)), 4);
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).status).toBe(500);
  // Pushing it again mends it.
  await client.pushBlob(name, 'complete');
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes.toString()).toBe('complete');
});

test('tags are listed in order, in pages', async () => {
  const { client } = await start();
  const manifest = imageManifest('{}', 'layer');
  await client.pushBlob(name, '{}');
  expect((await client.request('GET', `/v2/${name}/tags/list`)).json).toEqual({ name, tags: [] });
  await client.pushBlob(name, 'layer');
  const query = ['b', 'a', 'C', '1.0', 'a-1', '_x'].map((tag) => `tag=${tag}`).join('&');
  await client.pushManifest(name, `${digestOf(manifest)}?${query}`, manifest);
  const list = async (query = '') => {
    const got = await client.request('GET', `/v2/${name}/tags/list${query}`);
    return [got.json?.tags ?? got.status, got.headers.get('link')];
  };
  expect(await list()).toEqual([['1.0', 'C', '_x', 'a', 'a-1', 'b'], null]);
  expect(await list('?n=2')).toEqual([['1.0', 'C'], `</v2/${name}/tags/list?n=2&last=C>; rel="next"`]);
  expect(await list('?n=4&last=C')).toEqual([['_x', 'a', 'a-1', 'b'], null]);
  expect(await list('?last=a')).toEqual([['a-1', 'b'], null]);
  expect(await list('?last=zzz&n=3')).toEqual([[], null]);
  expect(await list('?n=0')).toEqual([[], null]);
  expect((await list('?n=-1'))[0]).toBe(400);
  expect((await client.request('HEAD', `/v2/${name}/tags/list`)).status).toBe(200);

  // Following the links gives everything once.
  const seen: string[] = [];
  for (let path: string | undefined = `/v2/${name}/tags/list?n=4`; path !== undefined; ) {
    const got = await client.request('GET', path);
    seen.push(...got.json.tags);
    path = /<([^>]+)>/.exec(got.headers.get('link') ?? '')?.[1];
  }
  expect(seen).toEqual(['1.0', 'C', '_x', 'a', 'a-1', 'b']);
});

test('referrers are found before and after their subject, by type', async () => {
  const { client } = await start();
  const subjectManifest = imageManifest('{}', 'subject');
  const subject = digestOf(subjectManifest);
  const path = `/v2/${name}/referrers/${subject}`;
  await client.pushBlob(name, '{}');
  const none = await client.request('GET', path);
  expect([none.status, none.headers.get('content-type'), none.json.manifests]).toEqual([200, ociIndex, []]);

  const about = { subject: { mediaType: ociManifest, digest: subject, size: subjectManifest.length } };
  const push = async (manifest: object, type = ociManifest) => {
    const text = JSON.stringify(manifest);
    const got = await client.pushManifest(name, digestOf(text), text, type);
    expect([got.status, got.headers.get('oci-subject')]).toEqual([201, subject]);
    return { mediaType: type, digest: digestOf(text), size: text.length };
  };
  const image = JSON.parse(imageManifest('{}', '{}')) as object;
  // Before the subject itself is there.
  const sbom = await push({
    ...image,
    artifactType: 'application/spdx+json',
    annotations: { 'org.example.format': 'spdx' },
    ...about,
  });
  const plain = await push({ ...image, ...about });
  const index = await push({ schemaVersion: 2, mediaType: ociIndex, manifests: [], ...about }, ociIndex);
  await client.pushImage(name, 'subject', 'subject');

  const all = await client.request('GET', path);
  const expected = [
    { ...sbom, artifactType: 'application/spdx+json', annotations: { 'org.example.format': 'spdx' } },
    // An image without a type of its own is of its config's; an index has none.
    { ...plain, artifactType: 'application/vnd.oci.image.config.v1+json' },
    index,
  ];
  expect(all.json.manifests).toHaveLength(3);
  expect(all.json.manifests).toEqual(expect.arrayContaining(expected));
  expect(all.json).toMatchObject({ schemaVersion: 2, mediaType: ociIndex });
  expect(all.headers.get('oci-filters-applied')).toBeNull();

  const filtered = await client.request('GET', `${path}?artifactType=application%2Fspdx%2Bjson`);
  expect(filtered.json.manifests.map((entry: { digest: string }) => entry.digest)).toEqual([sbom.digest]);
  expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
  expect((await client.request('GET', `/v2/${name}/referrers/sha256:xyz`)).status).toBe(400);

  await client.request('DELETE', `/v2/${name}/manifests/${sbom.digest}`);
  expect((await client.request('GET', path)).json.manifests).toHaveLength(2);
});

test('nobody refers to anything in a repository that does not exist yet', async () => {
  const platform = await startTestPlatform();
  const subject = digestOf('any');
  const path = `/v2/example.com/not/yet/referrers/${subject}`;
  const { status, headers, json } = await createClient(platform, dev).request('GET', path);
  expect([status, headers.get('content-type')]).toEqual([200, ociIndex]);
  expect(json).toEqual({ schemaVersion: 2, mediaType: ociIndex, manifests: [] });
  // Whoever may not look there is told so, not that it is empty.
  const stranger = createClient(platform, platform.user('stranger@example.org'));
  expect((await stranger.request('GET', path)).status).toBe(403);
  const tags = await createClient(platform, dev).request('GET', '/v2/example.com/not/yet/tags/list');
  expect([tags.status, tags.code]).toEqual([404, 'NAME_UNKNOWN']);
});

test.each([
  ['of one byte', 'a', 3],
  // The limit is one of bytes: of these, two in one answer are too many.
  ['of two bytes', 'é', 5],
])('a list of referrers too long for one answer comes in pages, with characters %s', async (_, letter, wanted) => {
  const { client } = await start();
  const subject = digestOf('whatever');
  await client.pushBlob(name, '{}');
  const image = JSON.parse(imageManifest('{}', '{}')) as object;
  for (let count = 0; count < 5; count++) {
    const text = JSON.stringify({
      ...image,
      annotations: { 'org.example.bulk': `${count}${letter.repeat(1024 * 1024)}` },
      subject: { mediaType: ociManifest, digest: subject, size: 8 },
    });
    expect((await client.pushManifest(name, digestOf(text), text)).status).toBe(201);
  }
  const seen = new Set<string>();
  let pages = 0;
  for (let path: string | undefined = `/v2/${name}/referrers/${subject}`; path !== undefined; pages++) {
    const got = await client.request('GET', path);
    expect(got.bytes.length).toBeLessThan(4 * 1024 * 1024);
    for (const entry of got.json.manifests) seen.add(entry.digest);
    path = /<([^>]+)>/.exec(got.headers.get('link') ?? '')?.[1];
  }
  expect([seen.size, pages]).toEqual([5, wanted]);
});

test('deleting takes the tag, or the manifest with all its tags; blobs in use stay', async () => {
  const { client } = await start();
  const digest = await client.pushImage(name, 'a', 'layer');
  await client.pushImage(name, 'b', 'layer');
  const layer = `/v2/${name}/blobs/${digestOf('layer')}`;

  expect((await client.request('DELETE', `/v2/${name}/manifests/a`)).status).toBe(202);
  expect((await client.request('GET', `/v2/${name}/manifests/a`)).status).toBe(404);
  expect((await client.request('GET', `/v2/${name}/manifests/${digest}`)).status).toBe(200);
  expect((await client.request('DELETE', `/v2/${name}/manifests/a`)).code).toBe('MANIFEST_UNKNOWN');

  const used = await client.request('DELETE', layer);
  expect([used.status, used.code]).toEqual([405, 'UNSUPPORTED']);
  expect((await client.request('DELETE', `/v2/${name}/manifests/${digest}`)).status).toBe(202);
  expect((await client.request('GET', `/v2/${name}/manifests/b`)).status).toBe(404);
  expect((await client.request('GET', `/v2/${name}/tags/list`)).json.tags).toEqual([]);

  expect((await client.request('DELETE', layer)).status).toBe(202);
  expect((await client.request('GET', layer)).status).toBe(404);
  expect((await client.request('DELETE', layer)).code).toBe('BLOB_UNKNOWN');
});

test('a tag tells what it has named, within bounds', async () => {
  const clock = new TestClock();
  const { client } = await start(clock);
  const digests: string[] = [];
  const times: string[] = [];
  for (const layer of ['one', 'two', 'three']) {
    times.push(new Date(clock.now()).toISOString());
    digests.push(await client.pushImage(name, 'latest', layer));
    clock.advance(60_000);
  }
  const history = async (query = '') => {
    const got = await client.request('GET', `/v2/${name}/_chainguard/history/latest${query}`);
    return got.json.history ?? got.status;
  };
  const entries = digests.map((digest, index) => ({ updateTimestamp: times[index], digest }));
  expect(await history()).toEqual(entries);
  expect(await history(`?start=${times[1]}`)).toEqual(entries.slice(1));
  expect(await history(`?start=${times[1]}&end=${times[1]}`)).toEqual(entries.slice(1, 2));
  expect(await history('?start=2026-03-27T14:56:00%2B01:00')).toEqual(entries.slice(1));
  const bad = await client.request('GET', `/v2/${name}/_chainguard/history/latest?start=yesterday`);
  expect([bad.status, bad.code]).toEqual([400, 'BAD_REQUEST']);
  expect((await client.request('GET', `/v2/${name}/_chainguard/history/none`)).status).toBe(404);
});

test('each pull is an event, also of one who only looks', async () => {
  const { platform, client } = await start();
  const digest = await client.pushImage(name, 'latest', 'layer');
  await Promise.all([
    client.request('HEAD', `/v2/${name}/manifests/latest`),
    client.request('GET', `/v2/${name}/manifests/${digest}`),
    client.request('GET', `/v2/${name}/blobs/${digestOf('layer')}`),
    client.request('GET', `/v2/${name}/blobs/${digestOf('absent')}`),
  ]);
  const bodies = platform.store.read((tx) =>
    tx
      .all("SELECT body FROM outbox WHERE type = 'dev.chainguard.registry.pull.v1'")
      .map((row) => JSON.parse(String(row['body']))),
  );
  expect(bodies).toHaveLength(3);
  expect(bodies).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ tag: 'latest', digest, method: 'HEAD', type: 'manifest', repository: name }),
      expect.objectContaining({ digest, method: 'GET', type: 'manifest' }),
      expect.objectContaining({ digest: digestOf('layer'), method: 'GET', type: 'blob' }),
    ]),
  );
});

test('of pulls the newest are remembered, in rows of bounded size; what is on its way to a sink stays', async () => {
  const { platform, client } = await start();
  const { store } = platform;
  await client.pushImage(name, 'latest', 'layer');
  const repository = store.read((tx) => {
    const organization = findOrganization(tx, 'example.com');
    const found = organization && findRepositoryAt(tx, organization, 'thing');
    if (found === undefined) throw new Error('the repository is not there');
    return found;
  });
  const pulls = () =>
    store.read((tx) =>
      tx
        .all("SELECT seq, length(body) AS size, body FROM outbox WHERE type LIKE '%.pull.v1' ORDER BY seq")
        .map((row) => ({ seq: Number(row['seq']), size: Number(row['size']), body: JSON.parse(String(row['body'])) })),
    );
  const log = createPullLog(store, 20);
  const visit = { identity: dev, actor: {}, remoteAddress: '127.0.0.1', userAgent: 'x'.repeat(60_000) };
  const pull = (tag: string) => log(repository, visit, { type: 'manifest', digest: digestOf('x'), tag, method: 'GET' });
  await pull('first');
  const [first] = pulls();
  store.transact((tx) => {
    tx.run(
      `INSERT INTO subscriptions (id, parent, sink, after_seq, created_at, updated_at)
       VALUES (?, ?, 'http://127.0.0.1:9', 1000000000, 0, 0)`,
      `${demoOrganizations.private}/00000000000000aa`,
      demoOrganizations.private,
    );
    tx.run(
      "INSERT INTO deliveries (event, subscription, subject, next_try_at, created_at) VALUES (?, ?, '', ?, 0)",
      first?.seq ?? 0,
      `${demoOrganizations.private}/00000000000000aa`,
      Number.MAX_SAFE_INTEGER,
    );
  });
  for (let count = 0; count < 100; count += 1) await pull(`t${count}`);
  // The dispatcher looks at an event before it may go.
  await expect
    .poll(async () => {
      for (let count = 0; count < 20; count += 1) await pull(`u${count}`);
      return pulls().length;
    })
    .toBeLessThanOrEqual(41);
  expect(pulls().every(({ size }) => size < 800)).toBe(true);
  expect([pulls()[0]?.seq, pulls().at(-1)?.body.tag]).toEqual([first?.seq, 'u19']);
});
