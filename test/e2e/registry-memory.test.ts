// What a large layer costs: a gigabyte streams through a platform of its own process, up in one request, up in chunks,
// and down again, while the kernel counts that process's memory.

import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/platform.ts';
import { startPlatformChild } from '../support/platform-child.ts';

const megabyte = 1024 * 1024;
const size = 1024 * megabyte;
// Buffers and what the garbage collector has not come to yet: 48 MB on Node 20, 84 on 24, where 5 GB took no more.
const allowed = 128 * megabyte;

/** Bytes: what the process holds now, and the most it ever held. */
function memoryOf(child: ChildProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

test.skipIf(!existsSync('/proc/self/status'))(
  'a layer of 1 GB goes up and comes down through an eighth of its size in memory',
  async () => {
    const { child, api, registryToken, kill } = await startPlatformChild(temporaryFolder());
    const agent = new Agent({ keepAlive: true });
    try {
      const block = randomBytes(megabyte);
      const blocks = size / megabyte;

      /** Sends blocks as fast as they are taken; a block carries its number, so that no two are the same. */
      const send = (method: string, path: string, first: number, count: number): Promise<IncomingMessage> =>
        new Promise((resolve, reject) => {
          const sent = request(
            new URL(path, api),
            {
              method,
              agent,
              headers: {
                authorization: `Bearer ${registryToken}`,
                'content-length': count * megabyte,
                ...(count === 0 ? {} : { 'content-type': 'application/octet-stream' }),
              },
            },
            resolve,
          );
          sent.on('error', reject);
          void (async () => {
            for (let number = first; number < first + count; number++) {
              if (!sent.write(numbered(block, number))) await once(sent, 'drain');
            }
            sent.end();
          })().catch(reject);
        });
      const finish = async (response: IncomingMessage, status: number): Promise<string> => {
        response.resume();
        await once(response, 'end');
        expect(response.statusCode).toBe(status);
        return response.headers.location ?? '';
      };

      const hash = createHash('sha256');
      for (let number = 0; number < blocks; number++) hash.update(numbered(block, number));
      const digest = `sha256:${hash.digest('hex')}`;
      const uploads = '/v2/example.com/large/blobs/uploads/';
      const before = memoryOf(child);

      const whole = await finish(await send('POST', uploads, 0, 0), 202);
      await finish(await send('PUT', `${whole}?digest=${digest}`, 0, blocks), 201);

      const chunked = await finish(await send('POST', uploads.replace('large', 'large/chunked'), 0, 0), 202);
      const part = blocks / 8;
      for (let first = 0; first < blocks; first += part) await finish(await send('PATCH', chunked, first, part), 202);
      await finish(await send('PUT', `${chunked}?digest=${digest}`, 0, 0), 201);

      const down = await send('GET', `/v2/example.com/large/blobs/${digest}`, 0, 0);
      const got = createHash('sha256');
      for await (const bytes of down) got.update(bytes as Buffer);
      expect(`sha256:${got.digest('hex')}`).toBe(digest);

      const { peak } = memoryOf(child);
      console.log(
        `memory: ${Math.round(before.now / megabyte)} MB at rest, ${Math.round(peak / megabyte)} MB at most with ${size / megabyte} MB layers`,
      );
      expect(peak - before.now).toBeLessThan(allowed);
    } finally {
      agent.destroy();
      await kill();
    }
  },
  300_000,
);

function numbered(block: Buffer, number: number): Buffer {
  const copy = Buffer.from(block);
  copy.writeUInt32BE(number);
  return copy;
}
