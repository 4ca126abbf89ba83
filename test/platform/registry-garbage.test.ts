import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/local/registry/distribution/garbage.ts';
import { createBlobStore } from '../../src/local/store/blob-store.ts';
import { dev } from '../support/ids.ts';
import { startTestPlatform, TestClock, temporaryFolder } from '../support/platform.ts';
import { createClient, digestOf, imageManifest } from './registry-client.ts';

const day = 86_400_000;

async function start() {
  const clock = new TestClock();
  const dataDir = temporaryFolder();
  const platform = await startTestPlatform({ clock, dataDir });
  const { store } = platform;
  const blobs = createBlobStore(dataDir);
  const fileOf = (digest: string) => {
    const hex = digest.slice('sha256:'.length);
    return join(dataDir, 'blobs', 'sha256', hex.slice(0, 2), hex);
  };
  return {
    clock,
    platform,
    dataDir,
    fileOf,
    client: () => createClient(platform, dev),
    // Files are as old as they look; the platform's clock is the test's.
    collect: (fileAge = -1000) => collectGarbage({ store, blobs, fileAge }),
  };
}

test('what a deleted repository, image or upload leaves goes; what others need stays', async () => {
  const { clock, platform, client, collect, fileOf } = await start();
  const one = client();
  await one.pushImage('example.com/a', '1', 'shared layer');
  await one.pushImage('example.com/b', '1', 'shared layer');
  await one.pushImage('example.com/b', '2', 'own layer');
  const lonely = await one.pushBlob('example.com/a', 'without a manifest');
  expect(await collect()).toEqual({ links: 0, blobs: 0, bytes: 0 });

  clock.advance(day + 1);
  const two = client();
  const fresh = await two.pushBlob('example.com/a', 'its manifest comes in a moment');
  // A push of what is there already counts as new.
  expect(await collect()).toEqual({ links: 1, blobs: 1, bytes: 'without a manifest'.length });
  expect([existsSync(fileOf(lonely)), existsSync(fileOf(fresh))]).toEqual([false, true]);
  expect((await two.request('HEAD', `/v2/example.com/a/blobs/${lonely}`)).status).toBe(404);
  expect((await two.request('GET', `/v2/example.com/a/blobs/${fresh}`)).bytes.toString()).toContain('in a moment');

  const token = await platform.token(dev);
  const { body } = await platform.call(token, 'GET', '/registry/v1/repos?name=b');
  await platform.call(token, 'DELETE', `/registry/v1/repos/${body.items[0].id}`);
  const collected = await collect();
  expect(collected).toMatchObject({ links: 0, blobs: 1, bytes: 'own layer'.length });
  expect((await two.request('GET', `/v2/example.com/a/blobs/${digestOf('shared layer')}`)).status).toBe(200);

  // A deleted manifest lets go of its layers a day later.
  await two.request('DELETE', `/v2/example.com/a/manifests/${digestOf(imageManifest('{}', 'shared layer'))}`);
  expect((await collect()).blobs).toBe(0);
  clock.advance(day + 1);
  const rest = await collect();
  expect(rest.blobs).toBe(3);
  expect(existsSync(fileOf(digestOf('shared layer')))).toBe(false);
  // And may be pushed again.
  const three = client();
  await three.pushImage('example.com/a', '1', 'shared layer');
  expect((await three.request('GET', `/v2/example.com/a/blobs/${digestOf('shared layer')}`)).status).toBe(200);
});

test('a link goes that its own repository does not need, whoever else needs the blob', async () => {
  const { clock, platform, client, collect, fileOf } = await start();
  const shared = digestOf('shared layer');
  await client().pushBlob('example.com/a', 'shared layer');
  await client().pushImage('example.com/b', '1', 'shared layer');
  clock.advance(day + 1);
  expect(await collect()).toEqual({ links: 1, blobs: 0, bytes: 0 });
  expect(existsSync(fileOf(shared))).toBe(true);
  const statuses = ['a', 'b'].map(
    async (name) => (await client().request('HEAD', `/v2/example.com/${name}/blobs/${shared}`)).status,
  );
  expect(await Promise.all(statuses)).toEqual([404, 200]);
  expect(platform.store.read((tx) => tx.all('SELECT * FROM repo_blobs'))).toHaveLength(2);
});

test('a blob pushed again is new again', async () => {
  const { clock, client, collect, fileOf } = await start();
  const digest = await client().pushBlob('example.com/a', 'twice');
  clock.advance(day + 1);
  await client().pushBlob('example.com/a', 'twice');
  expect((await collect()).links).toBe(0);
  expect(existsSync(fileOf(digest))).toBe(true);
});

test('a push that found its layers there keeps them when the image they came with is deleted meanwhile', async () => {
  const { clock, client, collect } = await start();
  await client().pushImage('example.com/a', 'old', 'base layer');
  clock.advance(day + 1);
  const pusher = client();
  for (const blob of ['{}', 'base layer']) {
    expect((await pusher.request('HEAD', `/v2/example.com/a/blobs/${digestOf(blob)}`)).status).toBe(200);
  }
  const old = digestOf(imageManifest('{}', 'base layer'));
  expect((await client().request('DELETE', `/v2/example.com/a/manifests/${old}`)).status).toBe(202);
  await collect();
  const manifest = imageManifest('{}', 'base layer', { annotations: { version: 'new' } });
  expect((await pusher.pushManifest('example.com/a', 'new', manifest)).status).toBe(201);
});

test('files that a crash left without a row go once they are old', async () => {
  const { client, collect, dataDir, fileOf } = await start();
  await client().pushImage('example.com/a', '1', 'layer');
  const orphan = fileOf(digestOf('orphan'));
  mkdirSync(join(orphan, '..'), { recursive: true });
  writeFileSync(orphan, 'orphan');
  expect((await collect(60_000)).blobs).toBe(0);
  const old = new Date(Date.now() - 120_000);
  utimesSync(orphan, old, old);
  // The change time is the kernel's and stays young; by it the file may still be on its way.
  expect((await collect(60_000)).blobs).toBe(0);
  expect((await collect()).blobs).toBe(1);
  expect(existsSync(orphan)).toBe(false);
  expect(readdirSync(join(dataDir, 'blobs', 'sha256')).length).toBeGreaterThan(0);
});

test('nothing is lost while images are pushed and deleted and garbage is collected at the same time', async () => {
  const { clock, client, collect } = await start();
  const acknowledged = new Map<string, string>();
  let busy = true;
  const pusher = async (worker: number): Promise<void> => {
    const own = client();
    for (let count = 0; count < 12; count++) {
      const layer = randomBytes(2000).toString('hex');
      const name = `example.com/busy/${worker}`;
      await own.pushImage(name, `t${count}`, layer);
      acknowledged.set(`/v2/${name}/blobs/${digestOf(layer)}`, layer);
      if (count % 3 === 2) {
        // Time passes for everything that no manifest needs.
        await own.pushBlob(name, `left ${worker} ${count}`);
        clock.advance(60_000);
      }
    }
  };
  const collector = async (): Promise<void> => {
    while (busy) await collect(2000);
  };
  const collecting = collector();
  await Promise.all([0, 1, 2, 3].map(pusher));
  busy = false;
  await collecting;
  const reader = client();
  for (const [path, layer] of acknowledged) {
    expect((await reader.request('GET', path)).bytes.toString()).toBe(layer);
  }
});
