import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { allMigrations } from '../../src/local/modules.ts';
import { openStore } from '../../src/local/store/database.ts';
import { temporaryFolder } from '../support/platform.ts';
import { type PlatformChild, startPlatformChild } from '../support/platform-child.ts';
import { digestOf, imageManifest, ociManifest, send } from './registry-client.ts';

/** Pushes image after image until the platform is gone; notes the manifests that were acknowledged, by path. */
async function pushUntilKilled(
  { api, registryToken: token }: PlatformChild,
  worker: string,
  acknowledged: Map<string, string>,
): Promise<void> {
  const name = `example.com/crash/${worker.split('-')[0]}`;
  const put = async (bytes: Buffer, inChunks: boolean): Promise<number> => {
    const uploads = `/v2/${name}/blobs/uploads/`;
    const digest = digestOf(bytes);
    if (!inChunks) return (await send(api, 'POST', `${uploads}?digest=${digest}`, { token, body: bytes })).status;
    const location = (await send(api, 'POST', uploads, { token })).headers.get('location') ?? '';
    const middle = Math.floor(bytes.length / 2);
    await send(api, 'PATCH', location, { token, body: bytes.subarray(0, middle) });
    const done = await send(api, 'PUT', `${location}?digest=${digest}`, { token, body: bytes.subarray(middle) });
    return done.status;
  };
  try {
    for (let count = 0; ; count++) {
      const layer = randomBytes(2 + Math.floor(Math.random() * 400_000));
      const statuses = [await put(Buffer.from('{}'), false), await put(layer, count % 2 === 0)];
      const manifest = imageManifest('{}', layer);
      const path = `/v2/${name}/manifests/${worker}-${count}`;
      const headers = { 'content-type': ociManifest };
      statuses.push((await send(api, 'PUT', path, { token, body: manifest, headers })).status);
      if (statuses.some((status) => status !== 201)) throw new Error(`refused: ${statuses}`);
      acknowledged.set(path, manifest);
    }
  } catch (error) {
    // fetch's word for a connection that is gone.
    if (!(error instanceof TypeError)) throw error;
  }
}

test('what was acknowledged is there after kill -9, and nothing half-written is', async () => {
  const dataDir = temporaryFolder();
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < 3; round++) {
    const running = await startPlatformChild(dataDir);
    const before = acknowledged.size;
    const pushes = ['a', 'b', 'c', 'd'].map((worker) => pushUntilKilled(running, `${worker}-${round}`, acknowledged));
    await expect.poll(() => acknowledged.size, { timeout: 60_000, interval: 5 }).toBeGreaterThan(before + 5);
    await delay(Math.random() * 50);
    await running.kill();
    await Promise.all(pushes);
  }

  const { api, registryToken: token, kill } = await startPlatformChild(dataDir);
  try {
    for (const [path, manifest] of acknowledged) {
      const got = await send(api, 'GET', path, { token });
      expect(got.bytes.toString()).toBe(manifest);
      const { config, layers } = got.json;
      for (const { digest, size } of [config, ...layers]) {
        const blob = await send(api, 'GET', path.replace(/manifests\/.*/, `blobs/${digest}`), { token });
        expect([digestOf(blob.bytes), blob.bytes.length]).toEqual([digest, size]);
      }
    }
    // Every file is what its name says.
    for (const entry of readdirSync(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(entry.name);
    }
  } finally {
    await kill();
  }
  // Uploads can be gone on with, or are gone: no file without its row, no row without its file.
  const store = openStore(join(dataDir, 'platform.db'), allMigrations(), { now: Date.now, randomBytes });
  const rows = store.read((tx) => tx.all('SELECT id FROM uploads ORDER BY id')).map((row) => row['id']);
  store.close();
  expect(readdirSync(join(dataDir, 'uploads')).sort()).toEqual(rows);
});
