// Uploads that come in pieces: what a refused piece wrote is taken back, and the next one goes on where the last good one ended.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createBlobStore } from '../../src/local/store/blob-store.ts';
import { parseDigest } from '../../src/local/store/digest.ts';
import { temporaryFolder } from '../support/platform.ts';

async function* pieces(...texts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

function digestOf(text: string) {
  const digest = parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`);
  if (digest === undefined) throw new Error('no digest');
  return digest;
}

async function world() {
  const folder = temporaryFolder();
  const blobs = createBlobStore(folder);
  const id = await blobs.begin('sha256');
  await blobs.append(id, pieces('good '));
  const held = () => readFileSync(join(folder, 'uploads', id), 'utf8');
  return { blobs, id, held };
}

describe.each([
  ['longer than it said', ['right ', 'and ', 'too much'], 12, 'length'],
  ['longer than it said by one byte', ['right', '!'], 5, 'length'],
  ['shorter than it said', ['right ', 'and'], 12, 'length'],
  ['empty', [], 5, 'length'],
] as const)('a piece that is %s', (_, texts, length, reason) => {
  test('leaves nothing behind, and another can take its place', async () => {
    const { blobs, id, held } = await world();
    await expect(blobs.append(id, pieces(...texts), { start: 5, length })).rejects.toMatchObject({ reason });
    expect([await blobs.received(id), held()]).toEqual([5, 'good ']);
    expect(blobs.isBusy(id)).toBe(false);
    expect(await blobs.append(id, pieces('right', ' one'), { start: 5, length: 9 })).toBe(14);
    expect(await blobs.finish(id, digestOf('good right one'))).toBe(14);
    expect(blobs.readSmall(digestOf('good right one'))?.toString()).toBe('good right one');
  });
});

test.each([0, 4, 6, 1_000_000])('a piece for %i is out of order, and nothing of it is read', async (start) => {
  const { blobs, id, held } = await world();
  let read = false;
  const source = (async function* () {
    read = true;
    yield Buffer.from('x');
  })();
  await expect(blobs.append(id, source, { start, length: 1 })).rejects.toMatchObject({ reason: 'out-of-order' });
  expect([held(), read]).toEqual(['good ', false]);
});

test('what came before a connection broke is good', async () => {
  const { blobs, id, held } = await world();
  const broken = pieces('right', ' one', new Error('cut'));
  await expect(blobs.append(id, broken, { start: 5, length: 20 })).rejects.toMatchObject({ reason: 'interrupted' });
  expect(held()).toBe('good right one');
  expect(await blobs.append(id, pieces(' more'), { start: 14, length: 5 })).toBe(19);
  expect(await blobs.finish(id, digestOf('good right one more'))).toBe(19);
});

test.each([
  '..',
  '../blobs',
  'x',
  '',
  '00000000-0000-0000-0000-00000000000G',
  `${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}/..`,
])('no file is reached by the id %j', async (id) => {
  const { blobs } = await world();
  expect(await blobs.received(id)).toBeUndefined();
  for (const work of [blobs.append(id, pieces('x')), blobs.finish(id, digestOf('x')), blobs.cancel(id)]) {
    await expect(work).rejects.toMatchObject({ reason: 'unknown' });
  }
});

test('maintenance leaves what is being put', async () => {
  const blobs = createBlobStore(temporaryFolder());
  const contents = Array.from({ length: 40 }, (_, index) => {
    const text = `blob ${index}`;
    return { digest: digestOf(text), bytes: Buffer.from(text) };
  });
  let isDone = false;
  const putting = blobs.putAll(contents).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    blobs.sweep(new Set());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await putting;
  for (const { digest, bytes } of contents) expect(await blobs.size(digest)).toBe(bytes.length);
});
