// A minute of many clients at once (20 s with CI=quick) while the platform is killed twice: whatever was acknowledged is there
// afterwards, bit for bit, and nothing else ever was.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { digestOf, imageManifest, ociManifest, send } from '../platform/registry-client.ts';
import { temporaryFolder } from '../support/platform.ts';
import { startPlatformChild } from '../support/platform-child.ts';

const pullers = 50;
const pushers = 10;
const seconds = process.env['CI'] === 'quick' ? 20 : 60;

interface Image {
  readonly path: string;
  readonly manifest: string;
  readonly layer: Buffer;
}

test(`${pullers} pulls and ${pushers} pushes at a time for ${seconds} s, killed twice`, async () => {
  const dataDir = temporaryFolder();
  let running = await startPlatformChild(dataDir);
  const acknowledged: Image[] = [];
  const count = { pulls: 0, pushes: 0, bytes: 0, broken: 0 };
  const end = Date.now() + seconds * 1000;

  const request = (method: string, path: string, body?: Buffer | string, type?: string) =>
    send(running.api, method, path, {
      token: running.registryToken,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });

  /** Checks every byte against its digest; a wrong one fails the test, whenever it is seen. */
  const pull = async ({ path, manifest, layer }: Image): Promise<void> => {
    const got = await request('GET', path);
    if (got.status !== 200) throw new Error(`GET ${path}: ${got.status} ${got.bytes}`);
    if (got.bytes.toString() !== manifest) throw new Error(`GET ${path}: another manifest`);
    const blob = await request('GET', path.replace(/manifests\/.*/, `blobs/${digestOf(layer)}`));
    if (blob.status !== 200) throw new Error(`the layer of ${path}: ${blob.status} ${blob.bytes}`);
    if (!blob.bytes.equals(layer)) throw new Error(`the layer of ${path}: other bytes`);
    count.bytes += blob.bytes.length;
  };

  const push = async (name: string, tag: string): Promise<void> => {
    const layer = randomBytes(1 + Math.floor(Math.random() * 300_000));
    for (const blob of [Buffer.from('{}'), layer]) {
      const digest = digestOf(blob);
      const started = await request('POST', `/v2/${name}/blobs/uploads/`);
      const location = started.headers.get('location');
      if (started.status !== 202 || location === null) throw new Error(`upload: ${started.status} ${started.bytes}`);
      const half = blob.length >> 1;
      if (half > 1000) await request('PATCH', location, blob.subarray(0, half));
      const rest = half > 1000 ? blob.subarray(half) : blob;
      const done = await request('PUT', `${location}?digest=${digest}`, rest);
      if (done.status !== 201) throw new Error(`blob: ${done.status} ${done.bytes}`);
    }
    const manifest = imageManifest('{}', layer);
    const path = `/v2/${name}/manifests/${tag}`;
    const done = await request('PUT', path, manifest, ociManifest);
    if (done.status !== 201) throw new Error(`manifest: ${done.status} ${done.bytes}`);
    acknowledged.push({ path, manifest, layer });
  };

  /** Goes on over kills: fetch says TypeError when the platform went away under a request. */
  const forever = async (work: (turn: number) => Promise<void>): Promise<void> => {
    for (let turn = 0; Date.now() < end; turn++) {
      try {
        await work(turn);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        count.broken++;
        await sleep(50);
      }
    }
  };

  const pushing = Array.from({ length: pushers }, (_, worker) =>
    forever(async (turn) => {
      await push(`example.com/soak/${worker}`, `t${turn}-${randomBytes(2).toString('hex')}`);
      count.pushes++;
    }),
  );
  const pulling = Array.from({ length: pullers }, () =>
    forever(async () => {
      const image = acknowledged[Math.floor(Math.random() * acknowledged.length)];
      if (image === undefined) return sleep(10);
      await pull(image);
      count.pulls++;
    }),
  );
  const killing = (async () => {
    for (let kills = 0; kills < 2; kills++) {
      await sleep((seconds * 1000) / 3);
      await running.kill();
      running = await startPlatformChild(dataDir);
    }
  })();
  try {
    await Promise.all([...pushing, ...pulling, killing]);
    expect(count.broken).toBeGreaterThan(0);
    expect(count.pushes).toBeGreaterThan(pushers * 2);
    expect(count.pulls).toBeGreaterThan(pullers * 2);
    for (const image of acknowledged) await pull(image);
    console.log(
      `soak: ${count.pushes} pushes, ${count.pulls} pulls, ${Math.round(count.bytes / 1e6)} MB, ${count.broken} broken off`,
    );
  } finally {
    await killing.catch(() => undefined);
    await running.kill();
  }
}, 300_000);
