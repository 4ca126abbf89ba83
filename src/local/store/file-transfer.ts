// Large files in and out. Guarantees: memory does not grow with the file nor with the slowness of the other side; what
// a broken source has given is in the file before its end is told.

import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { UploadError } from './upload-error.ts';

/** The source broke off; `end` bytes of the file are good. */
export class Interrupted extends Error {
  readonly end: number;

  constructor(end: number) {
    super('interrupted');
    this.end = end;
  }
}

export interface Receiving {
  /** Position in the file at which the source goes. */
  readonly start: number;
  /** Updated with each byte. */
  readonly hash: Hash | undefined;
  /** How many bytes the source says it has. */
  readonly expected: number | undefined;
  /** Rejects when there is no room for so many bytes more. */
  readonly takeRoom: (bytes: number) => Promise<void>;
}

/** Bytes that wait for the disk. A socket gives 64 kB at a time, and each write costs a turn in the pool of threads. */
const maxBufferedBytes = 1024 * 1024;
/**
 * Writes the source into the file and gives the new end. Throws Interrupted, UploadError `length`, or the system's
 * error.
 */
export async function receive(
  handle: FileHandle,
  source: AsyncIterable<Uint8Array>,
  { start, hash, expected, takeRoom }: Receiving,
): Promise<number> {
  let end = start;
  let pieces: Uint8Array[] = [];
  let held = 0;
  let failure: { readonly error: unknown } | undefined;
  let writing: Promise<void> | undefined;

  /** Writes what is held, one batch after the other: while one is on its way, the next is collected. */
  const pump = (): void => {
    if (writing !== undefined || failure !== undefined || held === 0) return;
    const [batch, size, position] = [pieces, held, end - held];
    pieces = [];
    held = 0;
    writing = takeRoom(size)
      .then(() => writeBatch(handle, batch, position))
      .then(
        () => {
          writing = undefined;
          pump();
        },
        (error: unknown) => {
          writing = undefined;
          failure = { error };
        },
      );
  };
  const settle = async (): Promise<void> => {
    while (writing !== undefined) await writing;
    if (failure !== undefined) throw failure.error;
  };

  try {
    for await (const bytes of untilBroken(source)) {
      if (expected !== undefined && end - start + bytes.length > expected) {
        throw new UploadError('length', 'the body is longer than its Content-Range says');
      }
      end += bytes.length;
      held += bytes.length;
      pieces.push(bytes);
      pump();
      // Hashing on this thread while a write runs on another.
      hash?.update(bytes);
      if (held >= maxBufferedBytes) await writing;
      if (failure !== undefined) break;
    }
  } catch (error) {
    await settle();
    throw error instanceof Broken ? new Interrupted(end) : error;
  }
  await settle();
  if (expected !== undefined && end - start !== expected) {
    throw new UploadError('length', 'the body is shorter than its Content-Range says');
  }
  return end;
}

class Broken extends Error {}

/** The source's bytes, with its failures told apart from those of whoever takes them. */
async function* untilBroken(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch {
    throw new Broken();
  }
}

async function writeBatch(handle: FileHandle, batch: readonly Uint8Array[], position: number): Promise<void> {
  let at = position;
  let rest = [...batch];
  while (rest.length > 0) {
    let { bytesWritten: written } = await handle.writev(rest, at);
    at += written;
    while (rest[0] !== undefined && written >= rest[0].length) {
      written -= rest[0].length;
      rest = rest.slice(1);
    }
    if (rest[0] !== undefined && written > 0) rest[0] = rest[0].subarray(written);
  }
}

const chunkBytes = 512 * 1024;
/** Pairs of buffers that are kept for the next file: touching fresh memory takes longer than reading into it. */
const maxIdlePairs = 4;
const idlePairs: [Buffer, Buffer][] = [];

/**
 * Writes a stretch of the file, both ends inclusive, and waits until the system has all of it; does not end `to`. Reads
 * the next part while one is written. Resolves early when `to` is closed; throws when the file is shorter.
 */
export async function send(handle: FileHandle, range: { start: number; end: number }, to: Writable): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  to.once('close', onClose);
  const pair = idlePairs.pop() ?? [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  const written: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()];
  try {
    let turn: 0 | 1 = 0;
    for (let position = range.start; position <= range.end; ) {
      await written[turn];
      if (gone.signal.aborted || to.destroyed) return;
      const length = Math.min(chunkBytes, range.end + 1 - position);
      const { bytesRead } = await handle.read(pair[turn], 0, length, position);
      if (bytesRead === 0) throw new Error('the file is shorter than it was');
      written[turn] = writeTo(to, pair[turn].subarray(0, bytesRead), gone.signal);
      position += bytesRead;
      turn = turn === 0 ? 1 : 0;
    }
    await Promise.all(written);
    // The system may still read from the buffers of a connection that broke.
    if (!gone.signal.aborted && idlePairs.length < maxIdlePairs) idlePairs.push(pair);
  } finally {
    to.off('close', onClose);
  }
}

function writeTo(to: Writable, bytes: Buffer, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      gone.removeEventListener('abort', done);
      resolve();
    };
    // Whoever waits for the end of the answer learns whether it arrived.
    gone.addEventListener('abort', done);
    to.write(bytes, done);
  });
}
