import { existsSync, readdirSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoOrganizations, dev } from '../support/ids.ts';
import { startTestPlatform, TestClock, temporaryFolder } from '../support/platform.ts';
import {
  audienceOf,
  basic,
  createClient,
  digestOf,
  imageManifest,
  ociIndex,
  ociManifest,
  send,
} from './registry-client.ts';

const name = 'example.com/thing';

async function start() {
  const platform = await startTestPlatform();
  return { platform, client: createClient(platform, dev) };
}

test('a blob goes up with POST and PUT, and comes back as it was', async () => {
  const { platform, client } = await start();
  const bytes = Buffer.from('a layer');
  const digest = digestOf(bytes);

  const started = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  expect(started.status).toBe(202);
  const location = started.headers.get('location') ?? '';
  expect(location).toMatch(/^\/v2\/example\.com\/thing\/blobs\/uploads\/[0-9a-f-]{36}$/);
  expect(started.headers.get('range')).toBe('0-0');
  expect(location.endsWith(started.headers.get('docker-upload-uuid') ?? '?')).toBe(true);

  const done = await client.request('PUT', `${location}?digest=${encodeURIComponent(digest)}`, { body: bytes });
  expect(done.status).toBe(201);
  expect(done.headers.get('location')).toBe(`/v2/${name}/blobs/${digest}`);
  expect(done.headers.get('docker-content-digest')).toBe(digest);

  const pulled = await client.request('GET', done.headers.get('location') ?? '');
  expect(pulled.status).toBe(200);
  expect(pulled.bytes).toEqual(bytes);
  expect(existsSync(join(platform.dataDir, 'blobs', 'sha256', digest.slice(7, 9), digest.slice(7)))).toBe(true);
  expect(readdirSync(join(platform.dataDir, 'uploads'))).toEqual([]);
  // The upload is over.
  expect((await client.request('GET', location)).code).toBe('BLOB_UPLOAD_UNKNOWN');
});

test('a blob goes up in one POST', async () => {
  const { client } = await start();
  const digest = digestOf('single');
  const done = await client.request('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: 'single' });
  expect(done.status).toBe(201);
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes.toString()).toBe('single');

  const wrong = await client.request('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: 'other' });
  expect([wrong.status, wrong.code]).toEqual([400, 'DIGEST_INVALID']);
});

test('an empty blob is a blob', async () => {
  const { client } = await start();
  const digest = await client.pushBlob(name, '');
  const pulled = await client.request('GET', `/v2/${name}/blobs/${digest}`);
  expect([pulled.status, pulled.headers.get('content-length')]).toEqual([200, '0']);
});

test('chunks are taken in order only, and the state can be asked for', async () => {
  const { client } = await start();
  const digest = digestOf('0123456789');
  const started = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  const location = started.headers.get('location') ?? '';
  const patch = (body: string, range?: string) =>
    client.request('PATCH', location, { body, headers: range === undefined ? {} : { 'content-range': range } });

  const early = await patch('56789', '5-9');
  expect([early.status, early.headers.get('range'), early.headers.get('location')]).toEqual([416, '0-0', location]);
  const first = await patch('01234', '0-4');
  expect([first.status, first.headers.get('range'), first.headers.get('location')]).toEqual([202, '0-4', location]);
  expect((await patch('01234', '0-4')).status).toBe(416);

  const state = await client.request('GET', location);
  expect([state.status, state.headers.get('range'), state.headers.get('location')]).toEqual([204, '0-4', location]);

  expect((await patch('56', '5-9')).code).toBe('SIZE_INVALID');
  expect((await patch('5678', 'five-nine')).code).toBe('BLOB_UPLOAD_INVALID');
  // A refused chunk leaves nothing behind.
  expect((await client.request('GET', location)).headers.get('range')).toBe('0-4');

  // Docker streams chunks without saying where they go.
  expect((await patch('56')).headers.get('range')).toBe('0-6');
  const gap = await client.request('PUT', `${location}?digest=${digest}`, {
    body: '9',
    headers: { 'content-range': '9-9' },
  });
  expect(gap.status).toBe(416);
  const done = await client.request('PUT', `${location}?digest=${digest}`, {
    body: '789',
    headers: { 'content-range': '7-9' },
  });
  expect(done.status).toBe(201);
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes.toString()).toBe('0123456789');
});

test('content that does not match its digest is not kept', async () => {
  const { platform, client } = await start();
  const digest = digestOf('right');
  const started = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  const location = started.headers.get('location') ?? '';
  const wrong = await client.request('PUT', `${location}?digest=${digest}`, { body: 'wrong' });
  expect([wrong.status, wrong.code]).toEqual([400, 'DIGEST_INVALID']);
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).code).toBe('BLOB_UNKNOWN');
  expect((await client.request('GET', location)).status).toBe(404);
  expect(readdirSync(join(platform.dataDir, 'uploads'))).toEqual([]);

  for (const bad of ['', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'sha256:abc', `sha256:${'G'.repeat(64)}`]) {
    const upload = await client.request('POST', `/v2/${name}/blobs/uploads/`);
    const refused = await client.request('PUT', `${upload.headers.get('location')}?digest=${bad}`, { body: 'x' });
    expect([bad, refused.status, refused.code]).toEqual([bad, 400, 'DIGEST_INVALID']);
  }
});

test('sha512 names blobs and manifests too', async () => {
  const { client } = await start();
  const config = digestOf('{}', 'sha512');
  const started = await client.request('POST', `/v2/${name}/blobs/uploads/?digest-algorithm=sha512`);
  const location = started.headers.get('location') ?? '';
  await client.request('PATCH', location, { body: '{' });
  expect((await client.request('PUT', `${location}?digest=${config}`, { body: '}' })).status).toBe(201);
  // The session hashed sha256; the digest that comes at the end decides.
  const late = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  const layer = digestOf('layer', 'sha512');
  const done = await client.request('PUT', `${late.headers.get('location')}?digest=${layer}`, { body: 'layer' });
  expect(done.status).toBe(201);
  expect((await client.request('GET', `/v2/${name}/blobs/${layer}`)).bytes.toString()).toBe('layer');

  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
    layers: [{ mediaType: 'application/octet-stream', digest: layer, size: 5 }],
  });
  const digest = digestOf(manifest, 'sha512');
  const pushed = await client.pushManifest(name, digest, manifest);
  expect([pushed.status, pushed.headers.get('docker-content-digest')]).toEqual([201, digest]);
  expect((await client.request('GET', `/v2/${name}/manifests/${digest}`)).bytes.toString()).toBe(manifest);
  const unknown = await client.request('POST', `/v2/${name}/blobs/uploads/?digest-algorithm=md5`);
  expect(unknown.code).toBe('DIGEST_INVALID');
});

test('an upload can be given up, and its id names no other file', async () => {
  const { platform, client } = await start();
  const started = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  const location = started.headers.get('location') ?? '';
  // Not from another repository, even by somebody who may push there.
  await client.pushBlob('example.com/other', 'x');
  const elsewhere = location.replace('/thing/', '/other/');
  expect((await client.request('DELETE', elsewhere)).status).toBe(404);
  expect((await client.request('DELETE', location)).status).toBe(204);
  expect((await client.request('PATCH', location, { body: 'x' })).code).toBe('BLOB_UPLOAD_UNKNOWN');
  expect(readdirSync(join(platform.dataDir, 'uploads'))).toEqual([]);
  const outside = await client.request('PATCH', `/v2/${name}/blobs/uploads/..%2f..%2fplatform.db`, { body: 'x' });
  expect(outside.status).toBe(404);
});

test('an interrupted chunk can be gone on from', async () => {
  const { platform, client } = await start();
  const whole = Buffer.alloc(3 * 1024 * 1024, 'streamed ');
  const digest = digestOf(whole);
  const started = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  const location = started.headers.get('location') ?? '';

  const token = await platform.token(dev, { audience: audienceOf(platform) });
  const broken = httpRequest(new URL(location, platform.urls.registry), {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-length': whole.length },
  });
  broken.on('error', () => {});
  broken.write(whole.subarray(0, 1_000_000));
  const held = async (): Promise<number> => {
    const range = (await client.request('GET', location)).headers.get('range') ?? '';
    return Number(range.split('-')[1]) + 1;
  };
  await expect.poll(held).toBe(1_000_000);
  // Meanwhile nobody else may write.
  const second = await client.request('PATCH', location, { body: 'x' });
  expect([second.status, second.code]).toEqual([409, 'BLOB_UPLOAD_INVALID']);
  const closed = new Promise((resolve) => broken.once('close', resolve));
  broken.destroy();
  await closed;

  const rest = whole.subarray(1_000_000);
  const goOn = () =>
    client.request('PUT', `${location}?digest=${digest}`, {
      body: rest,
      headers: { 'content-range': `1000000-${whole.length - 1}` },
    });
  // The platform may need a moment to see that the other one is gone.
  let done = await goOn();
  for (let tries = 0; done.status === 409 && tries < 50; tries++) done = await goOn();
  expect(done.status).toBe(201);
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes.equals(whole)).toBe(true);
});

test('a refusal in the middle of a body leaves the connection to the next request', async () => {
  const { platform, client } = await start();
  const location = (await client.request('POST', `/v2/${name}/blobs/uploads/`)).headers.get('location') ?? '';
  const token = await platform.token(dev, { audience: audienceOf(platform) });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method: string, headers: Record<string, string>, body?: Buffer) =>
    new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
      const request = httpRequest(
        new URL(location, platform.urls.registry),
        { method, agent, headers: { authorization: `Bearer ${token}`, ...headers } },
        (response) => {
          response.resume();
          response.once('end', () => resolve([response.statusCode, response.headers.range]));
        },
      );
      request.once('error', reject);
      request.end(body);
    });
  // Chunked, so that only the bytes themselves show that they are too many.
  const chunked = { 'content-range': '0-4', 'transfer-encoding': 'chunked' };
  expect(await ask('PATCH', chunked, Buffer.alloc(20 * 1024 * 1024))).toEqual([400, undefined]);
  expect(await ask('GET', {})).toEqual([204, '0-0']);
  agent.destroy();
});

test('uploads survive a restart; abandoned ones and strays are swept', async () => {
  const clock = new TestClock();
  const dataDir = temporaryFolder();
  const first = await startTestPlatform({ clock, dataDir });
  const before = createClient(first, dev);
  const kept = await before.request('POST', `/v2/${name}/blobs/uploads/`);
  const location = kept.headers.get('location') ?? '';
  await before.request('PATCH', location, { body: 'before ' });
  await first.stop();

  const second = await startTestPlatform({ clock, dataDir });
  const after = createClient(second, dev);
  expect((await after.request('GET', location)).headers.get('range')).toBe('0-6');
  await after.request('PATCH', location, { body: 'the restart ', headers: { 'content-range': '7-18' } });
  const digest = digestOf('before the restart and after');
  const done = await after.request('PUT', `${location}?digest=${digest}`, { body: 'and after' });
  expect(done.status).toBe(201);

  const abandoned = await after.request('POST', `/v2/${name}/blobs/uploads/`);
  clock.advance(25 * 3600 * 1000);
  await after.request('POST', `/v2/${name}/blobs/uploads/`, {
    token: await second.token(dev, { audience: audienceOf(second) }),
  });
  const gone = await after.request('GET', abandoned.headers.get('location') ?? '', {
    token: await second.token(dev, { audience: audienceOf(second) }),
  });
  expect(gone.code).toBe('BLOB_UPLOAD_UNKNOWN');
  await expect.poll(() => readdirSync(join(dataDir, 'uploads')).length).toBe(1);
});

test('an upload lives a day from its last sign of life', async () => {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  // Each token lives an hour.
  const ask = (method: string, path: string, body = '') => createClient(platform, dev).request(method, path, { body });
  const begin = async () => (await ask('POST', `/v2/${name}/blobs/uploads/`)).headers.get('location') ?? '';
  const held = async (location: string) =>
    (await createClient(platform, dev).request('GET', location)).headers.get('range') ?? 'gone';
  const [alive, silent] = [await begin(), await begin()];
  for (const [index, wanted] of ['0-0', '0-1', '0-2'].entries()) {
    clock.advance(16 * 3600_000);
    expect((await ask('PATCH', alive, 'x')).headers.get('range')).toBe(wanted);
    // Each upload that begins sweeps those that are abandoned.
    await begin();
    expect(await held(silent)).toBe(index === 0 ? '0-0' : 'gone');
  }
  clock.advance(24 * 3600_000 - 1000);
  await begin();
  expect(await held(alive)).toBe('0-2');
  clock.advance(61_000);
  await begin();
  expect(await held(alive)).toBe('gone');
});

test.each([
  [['repo.list'], 202],
  [['repo.list', 'tag.list', 'manifest.create', 'manifest.update', 'manifest.delete'], 202],
  [['manifest.list'], 201],
] as const)('mounting takes the right to read manifests at the source: %j', async (capabilities, status) => {
  const { platform, client } = await start();
  const digest = await client.pushBlob('example.com/source', 'shared');
  const admin = await platform.token(dev);
  const role = await platform.call(admin, 'POST', `/iam/v1/roles/${demoOrganizations.private}`, {
    body: { name: 'some', capabilities },
  });
  expect(role.status).toBe(200);
  const bindings = [
    ['owner', demoOrganizations.public],
    [role.body.id, demoOrganizations.private],
  ] as const;
  const other = createClient(platform, platform.user('half@example.org', ...bindings));
  for (const from of ['&from=example.com/source', '']) {
    const path = `/v2/chainguard/copy/blobs/uploads/?mount=${digest}${from}`;
    expect((await other.request('POST', path)).status, from).toBe(status);
  }
  expect((await other.request('GET', `/v2/chainguard/copy/blobs/${digest}`)).status).toBe(status === 201 ? 200 : 404);
});

test('a blob is mounted from a repository the pusher may read, and from no other', async () => {
  const { platform, client } = await start();
  const digest = await client.pushBlob('example.com/source', 'shared');
  const mounted = await client.request('POST', `/v2/${name}/blobs/uploads/?mount=${digest}&from=example.com/source`);
  expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/${name}/blobs/${digest}`]);
  expect((await client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes.toString()).toBe('shared');

  // A repository without the blob, one that does not exist, and none at all: the upload starts instead.
  for (const query of [`mount=${digestOf('?')}&from=example.com/source`, `mount=${digest}&from=example.com/no`]) {
    expect((await client.request('POST', `/v2/${name}/blobs/uploads/?${query}`)).status).toBe(202);
  }
  const stranger = platform.user('stranger@example.org');
  const theirs = platform.store.transact((tx) => {
    tx.run("INSERT INTO groups (id, name, created_at, updated_at) VALUES (?, 'other', 0, 0)", 'f'.repeat(40));
    return 'f'.repeat(40);
  });
  expect(theirs).not.toBe(demoOrganizations.private);
  const owner = platform.user('owner@example.org', ['owner', theirs]);
  const thief = createClient(platform, owner);
  const refused = await thief.request('POST', `/v2/other/x/blobs/uploads/?mount=${digest}&from=example.com/source`);
  expect(refused.status).toBe(202);
  expect((await thief.request('GET', `/v2/other/x/blobs/${digest}`)).code).toBe('BLOB_UNKNOWN');
  const nobody = createClient(platform, stranger);
  expect((await nobody.request('POST', '/v2/other/x/blobs/uploads/')).status).toBe(403);
});

test('a blob is mounted from wherever the pusher may read it, when no place is named', async () => {
  const { platform, client } = await start();
  const digest = await client.pushBlob('example.com/somewhere', 'shared');
  const mount = (who: typeof client, name: string, query: string) =>
    who.request('POST', `/v2/${name}/blobs/uploads/?mount=${digest}${query}`);
  const mounted = await mount(client, 'example.com/anywhere', '');
  expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/example.com/anywhere/blobs/${digest}`]);
  expect((await client.request('GET', `/v2/example.com/anywhere/blobs/${digest}`)).bytes.toString()).toBe('shared');
  // A place that is named and has it not is no wish for another.
  expect((await mount(client, 'example.com/third', '&from=example.com/nowhere')).status).toBe(202);
  // To somebody who may read neither, it is as if it did not exist.
  const stranger = createClient(platform, platform.user('stranger@example.org', ['owner', demoOrganizations.public]));
  expect((await mount(stranger, 'chainguard/copy', '')).status).toBe(202);
  expect((await client.request('POST', '/v2/example.com/third/blobs/uploads/?mount=sha256:xyz')).status).toBe(400);
});

test('a manifest is kept exactly, under its tag and its digest', async () => {
  const { platform, client } = await start();
  await client.pushBlob(name, '{}');
  await client.pushBlob(name, 'layer');
  // Odd spacing would not survive parsing and writing again.
  const manifest = `${imageManifest('{}', 'layer').replaceAll(',', ' ,\n')}\n`;
  const digest = digestOf(manifest);
  const pushed = await client.pushManifest(name, 'v1', manifest);
  expect(pushed.status).toBe(201);
  expect(pushed.headers.get('docker-content-digest')).toBe(digest);
  expect(pushed.headers.get('location')).toBe(`/v2/${name}/manifests/${digest}`);
  for (const reference of ['v1', digest]) {
    const pulled = await client.request('GET', `/v2/${name}/manifests/${reference}`);
    expect(pulled.bytes.toString()).toBe(manifest);
    expect(pulled.headers.get('content-type')).toBe(ociManifest);
    expect(pulled.headers.get('docker-content-digest')).toBe(digest);
    const head = await client.request('HEAD', `/v2/${name}/manifests/${reference}`);
    expect([head.status, head.headers.get('content-length'), head.bytes.length]).toEqual([
      200,
      String(Buffer.byteLength(manifest)),
      0,
    ]);
  }
  expect(platform.events().filter((event) => event.type === 'dev.chainguard.registry.push.v1')).toHaveLength(3);
});

test('a manifest needs its blobs, its sizes and a type', async () => {
  const { client } = await start();
  await client.pushBlob(name, '{}');
  const put = async (manifest: string, type?: string) => {
    const got = await client.pushManifest(name, 'v1', manifest, type);
    return [got.status, got.code];
  };
  const missing = await client.pushManifest(name, 'v1', imageManifest('{}', 'absent'));
  expect([missing.status, missing.code]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
  expect(missing.json.errors[0].detail).toEqual({ digest: digestOf('absent') });

  await client.pushBlob(name, 'layer');
  const good = imageManifest('{}', 'layer');
  const invalid = [400, 'MANIFEST_INVALID'];
  expect(await put(good.replace('"size":5', '"size":6'))).toEqual(invalid);
  expect(await put('not json')).toEqual(invalid);
  expect(await put('[]')).toEqual(invalid);
  // Few clients can read what begins with a byte order mark.
  expect(await put(`\ufeff${good}`)).toEqual(invalid);
  expect(await put(good, ociIndex)).toEqual(invalid);
  expect(await put(good, 'application/vnd.docker.distribution.manifest.v1+prettyjws')).toEqual(invalid);
  expect(await put(good.replace('"schemaVersion":2', '"schemaVersion":1'))).toEqual(invalid);
  // One document must not be an image to one client and an index to another.
  expect(await put(JSON.stringify({ ...JSON.parse(good), manifests: [] }))).toEqual(invalid);
  const index = {
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: [{ mediaType: ociManifest, digest: digestOf(good), size: good.length }],
  };
  expect(await put(JSON.stringify(index), ociIndex)).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
  expect((await client.request('GET', `/v2/${name}/manifests/v1`)).code).toBe('MANIFEST_UNKNOWN');

  expect(await put(good, `${ociManifest}; charset=utf-8`)).toEqual([201, undefined]);
  expect(await put(JSON.stringify(index), ociIndex)).toEqual([201, undefined]);

  const other = await client.pushManifest(name, digestOf('something else'), good);
  expect([other.status, other.code]).toEqual([400, 'DIGEST_INVALID']);
  expect((await client.pushManifest(name, '.bad', good)).status).toBe(400);
  const huge = await client.pushManifest(name, 'v2', `${good}${' '.repeat(9 * 1024 * 1024)}`);
  expect([huge.status, huge.code]).toEqual([413, 'SIZE_INVALID']);
});

test('one push by digest sets several tags', async () => {
  const { client } = await start();
  await client.pushImage(name, 'first', 'layer');
  const manifest = imageManifest('{}', 'layer');
  const pushed = await client.pushManifest(name, `${digestOf(manifest)}?tag=1&tag=1.2&tag=1.2.3`, manifest);
  expect([pushed.status, pushed.headers.get('oci-tag')]).toEqual([201, '1, 1.2, 1.2.3']);
  const tags = await client.request('GET', `/v2/${name}/tags/list`);
  expect(tags.json).toEqual({ name, tags: ['1', '1.2', '1.2.3', 'first'] });
});

test('a moving tag keeps its history and tells what it was', async () => {
  const { platform, client } = await start();
  const one = await client.pushImage(name, 'latest', 'one');
  await client.pushImage(name, 'latest', 'one');
  const two = await client.pushImage(name, 'latest', 'two');
  const history = await client.request('GET', `/v2/${name}/_chainguard/history/latest`);
  // Pushing the same again is no update.
  expect(history.json.history.map((entry: { digest: string }) => entry.digest)).toEqual([one, two]);
  const bodies = platform.store.read((tx) =>
    tx.all(
      "SELECT body, actor, group_id, source FROM outbox WHERE type = 'dev.chainguard.registry.push.v1' ORDER BY seq",
    ),
  );
  const last = bodies.at(-1);
  expect(JSON.parse(String(last?.['body']))).toMatchObject({
    repository: name,
    display_name: 'thing',
    tag: 'latest',
    tag_previous_digest: one,
    digest: two,
    type: 'manifest',
    when: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
    remote_address: expect.stringMatching(/127\.0\.0\.1$/),
  });
  expect(JSON.parse(String(last?.['actor']))).toMatchObject({ subject: dev });
  expect([last?.['group_id'], last?.['source']]).toEqual([demoOrganizations.private, 'cgr.dev']);
});

test('a path that URLs write otherwise is refused, and makes no other repository', async () => {
  const { platform } = await start();
  const token = await platform.token(dev, { audience: audienceOf(platform) });
  // `fetch` would tidy the path itself.
  const post = (path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(platform.urls.registry);
      const headers = { authorization: `Bearer ${token}` };
      httpRequest({ method: 'POST', hostname, port, path, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
  for (const path of ['example.com/a\\b', 'example.com/x/../y', 'example.com/x/%2E%2e/y', 'example.com/./y', '..']) {
    expect([path, await post(`/v2/${path}/blobs/uploads/`)]).toEqual([path, 400]);
  }
  expect(platform.events()).toEqual([]);
  expect(await post('/v2/example.com/a...b/blobs/uploads/')).toBe(400);
  // In the query they mean nothing of the kind.
  expect(await post('/v2/example.com/a/blobs/uploads/?from=../x&mount=\\')).toBe(202);
});

test('names and methods that do not exist are refused in the right shape', async () => {
  const { client } = await start();
  const answer = async (method: string, path: string) => {
    const got = await client.request(method, path);
    return [got.status, got.code];
  };
  expect(await answer('GET', '/v2/Example.com/x/manifests/latest')).toEqual([400, 'NAME_INVALID']);
  expect(await answer('GET', '/v2/example.com/a%2fb/manifests/latest')).toEqual([404, 'UNSUPPORTED']);
  expect(await answer('GET', '/v2/example.com/no/manifests/latest')).toEqual([404, 'NAME_UNKNOWN']);
  expect(await answer('GET', '/v2/example.com/manifests/latest')).toEqual([404, 'NAME_UNKNOWN']);
  expect(await answer('GET', '/v2/example.com/no/what')).toEqual([404, 'UNSUPPORTED']);
  expect(await answer('POST', '/v2/example.com/no/tags/list')).toEqual([405, 'UNSUPPORTED']);
  const deep = 'example.com/team/service/api';
  await client.pushImage(deep, 'v1', 'deep');
  expect((await client.request('GET', `/v2/${deep}/tags/list`)).json.tags).toEqual(['v1']);
});

test('who may not push has not sent a body for it, when the client asks first', async () => {
  const { platform, client } = await start();
  const ask = (token: string | undefined, path: string): Promise<{ continued: boolean; status: number }> =>
    new Promise((resolve, reject) => {
      let continued = false;
      const headers = {
        expect: '100-continue',
        'content-length': 5,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const call = httpRequest(new URL(path, platform.urls.registry), { method: 'POST', headers }, (response) => {
        response.resume();
        resolve({ continued, status: response.statusCode ?? 0 });
        call.destroy();
      });
      call.on('error', reject);
      call.once('continue', () => {
        continued = true;
        call.end('layer');
      });
      call.flushHeaders();
    });
  const path = `/v2/${name}/blobs/uploads/?digest=${digestOf('layer')}`;
  const audience = new URL(platform.urls.registry).host;
  expect(await ask(undefined, path)).toEqual({ continued: false, status: 401 });
  const stranger = await platform.token(platform.user('stranger@example.org'), { audience });
  expect(await ask(stranger, path)).toEqual({ continued: false, status: 403 });
  expect(await ask(undefined, '/iam/v1/groups')).toEqual({ continued: false, status: 401 });
  expect(await ask(await platform.token(dev, { audience }), path)).toEqual({ continued: true, status: 201 });
  expect((await client.request('GET', `/v2/${name}/blobs/${digestOf('layer')}`)).bytes.toString()).toBe('layer');
});

test('the last request of an upload may be sent again', async () => {
  const { client } = await start();
  const started = await client.request('POST', `/v2/${name}/blobs/uploads/`);
  const finish = (digest: string) =>
    client.request('PUT', `${started.headers.get('location')}?digest=${digest}`, { body: 'layer' });
  expect((await finish(digestOf('layer'))).status).toBe(201);
  const again = await finish(digestOf('layer'));
  expect([again.status, again.headers.get('location')]).toEqual([201, `/v2/${name}/blobs/${digestOf('layer')}`]);
  expect(await finish(digestOf('another'))).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
});

test('a malformed digest is refused as such, wherever one stands', async () => {
  const { client } = await start();
  await client.pushImage(name, 'v1', 'layer');
  for (const digest of ['sha256:xyz', 'sha256:', 'md5:d41d8cd98f00b204e9800998ecf8427e', `sha256:${'A'.repeat(64)}`]) {
    for (const [method, path] of [
      ['GET', `blobs/${digest}`],
      ['HEAD', `blobs/${digest}`],
      ['DELETE', `blobs/${digest}`],
      ['GET', `manifests/${digest}`],
      ['HEAD', `manifests/${digest}`],
      ['PUT', `manifests/${digest}`],
      ['DELETE', `manifests/${digest}`],
      ['GET', `referrers/${digest}`],
      ['POST', `blobs/uploads/?digest=${digest}`],
      ['POST', `blobs/uploads/?mount=${digest}`],
      ['PUT', `blobs/uploads/of-nobody?digest=${digest}`],
    ] as const) {
      const answer = await client.request(method, `/v2/${name}/${path}`, method === 'PUT' ? { body: '{}' } : {});
      const code = method === 'HEAD' ? undefined : 'DIGEST_INVALID';
      expect([method, path, answer.status, answer.code]).toEqual([method, path, 400, code]);
    }
  }
});

test('a mount without a place works with the token of one repository, and reaches no further than its holder', async () => {
  const { platform, client } = await start();
  const digest = await client.pushBlob('example.com/somewhere', 'shared');
  const audience = new URL(platform.urls.registry).host;
  const mount = async (identity: string, full: string): Promise<number> => {
    const login = basic('_token', await platform.token(identity, { audience }));
    const scope = `/token?scope=repository:${full}:pull,push`;
    const { token } = (await send(platform.urls.registry, 'GET', scope, { headers: login })).json;
    return (await send(platform.urls.registry, 'POST', `/v2/${full}/blobs/uploads/?mount=${digest}`, { token })).status;
  };
  expect(await mount(dev, 'example.com/anywhere')).toBe(201);
  const stranger = platform.user('stranger@example.org', ['owner', demoOrganizations.public]);
  expect(await mount(stranger, 'chainguard/copy')).toBe(202);
});
