// Content-addressed files below the data folder. Guarantees: a file under `blobs/` is whole, matches its name and is on
// disk before anything can refer to it; what is still being written lives under `uploads/` and is never served.

import { type Hash, randomUUID } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fstatSync,
  mkdirSync,
  openSync,
  type ReadStream,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { codeOf } from '../../files.ts';
import { forEachConcurrently } from '../../parallel.ts';
import { type Digest, type DigestAlgorithm, newHash, parseDigest } from './digest.ts';
import { Interrupted, receive, send } from './file-transfer.ts';
import { UploadError } from './upload-error.ts';

/** Position and declared length of a chunk, both in bytes. */
export interface ChunkPlace {
  readonly start: number;
  readonly length: number;
}

export interface BlobStore {
  /** Returns whether there is neither a blob nor an upload. */
  isEmpty(): boolean;
  /** Starts an upload and gives its id, a UUID. */
  begin(algorithm: DigestAlgorithm): Promise<string>;
  /** Bytes held so far; undefined when there is no such upload. */
  received(id: string): Promise<number | undefined>;
  /** Appends a stream and gives the new total. Throws `UploadError`, or the file system's error. */
  append(id: string, source: AsyncIterable<Uint8Array>, place?: ChunkPlace): Promise<number>;
  /** Checks the whole upload against `digest` and makes it a blob; gives its size. A mismatch ends the upload. */
  finish(id: string, digest: Digest): Promise<number>;
  cancel(id: string): Promise<void>;
  isBusy(id: string): boolean;
  /** Removes what is left of uploads that nobody knows any more; gives the ids of those with a file. */
  sweep(known: ReadonlySet<string>): Set<string>;
  /** Writes many small blobs at once, with fewer flushes to disk than one by one. */
  putAll(contents: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[]): Promise<void>;
  /** Size of a blob's file; undefined when there is none. */
  size(digest: Digest): Promise<number | undefined>;
  /** Both ends inclusive. */
  read(digest: Digest, range: { readonly start: number; readonly end: number }): ReadStream;
  /** Writes a stretch of a blob, both ends inclusive, and leaves `to` open. Resolves early when `to` is closed. */
  send(digest: Digest, range: { readonly start: number; readonly end: number }, to: Writable): Promise<void>;
  /** Returns where a blob's file is, for who reads it in another thread. */
  path(digest: Digest): string;
  /** The whole of a small blob, at once; undefined when there is none. Throws a RangeError above 64 MiB. */
  readSmall(digest: Digest): Buffer | undefined;
  /** Digests of the files there are, folder by folder. */
  files(): AsyncIterable<Digest[]>;
  /**
   * Removes a blob's file and gives its size, unless the file is younger than `age` milliseconds by the system's clock:
   * its row may be about to be written. Synchronous, so that it fits between looking at the rows and anything else.
   */
  removeOlderThan(digest: Digest, age: number): number | undefined;
}

/** An upload this process has written to; after a restart it is rebuilt from the file. */
interface Session {
  readonly hash: Hash;
  readonly algorithm: DigestAlgorithm;
  offset: number;
}

const readSize = 256 * 1024;
/** An SBOM of tens of thousands of packages, wrapped in its envelope, is to be read. */
const maxInMemoryBytes = 64 * 1024 * 1024;
/** Open files of one `putAll`: a process may have as few as 256 of them (macOS). */
const concurrency = 16;

export function createBlobStore(dataDir: string): BlobStore {
  const uploads = join(dataDir, 'uploads');
  const blobs = join(dataDir, 'blobs');
  mkdirSync(uploads, { recursive: true, mode: 0o700 });
  mkdirSync(blobs, { recursive: true, mode: 0o700 });

  const takeRoom = createRoom(uploads);
  const sessions = new Map<string, Session>();
  const busy = new Set<string>();

  const uploadPath = (id: string): string => join(uploads, id);
  const folderOf = (digest: Digest): string => join(blobs, digest.algorithm, digest.hex.slice(0, 2));
  const blobPath = (digest: Digest): string => join(folderOf(digest), digest.hex);

  /** One writer for each upload: two would interleave their bytes. */
  const exclusively = async <T>(id: string, work: () => Promise<T>): Promise<T> => {
    if (!isUploadId(id)) throw new UploadError('unknown', 'no such upload');
    if (busy.has(id)) throw new UploadError('busy', 'another request is writing to this upload');
    busy.add(id);
    try {
      return await work();
    } finally {
      busy.delete(id);
    }
  };

  const received = async (id: string): Promise<number | undefined> => {
    if (!isUploadId(id)) return undefined;
    return sizeOf(uploadPath(id));
  };

  const drop = async (id: string): Promise<void> => {
    sessions.delete(id);
    await unlink(uploadPath(id)).catch(ignoreMissing);
  };

  /**
   * Makes the folders of these digests, on disk by name before it returns. Every caller waits for the flush, also the
   * one that finds a folder another made a moment ago.
   */
  const prepared = new Map<string, Promise<void>>();
  const prepare = (digests: readonly Digest[]): Promise<void> => {
    const fresh = new Map(digests.map((digest) => [folderOf(digest), digest.algorithm] as const));
    for (const folder of prepared.keys()) fresh.delete(folder);
    if (fresh.size > 0) {
      const making = makeFolders(fresh).catch((error: unknown) => {
        for (const folder of fresh.keys()) prepared.delete(folder);
        throw error;
      });
      for (const folder of fresh.keys()) prepared.set(folder, making);
    }
    return Promise.all(digests.map((digest) => prepared.get(folderOf(digest)))).then(() => undefined);
  };

  const makeFolders = async (folders: ReadonlyMap<string, DigestAlgorithm>): Promise<void> => {
    const made = new Set<string>();
    for (const [folder, algorithm] of folders) {
      const first = await mkdir(folder, { recursive: true, mode: 0o700 });
      if (first === undefined) continue;
      made.add(join(blobs, algorithm));
      if (first !== folder) made.add(blobs);
    }
    for (const parent of made) await syncFolder(parent);
  };

  const place = async (from: string, digest: Digest): Promise<void> => {
    try {
      await rename(from, blobPath(digest));
    } catch (error) {
      // Windows does not replace a file somebody is reading; the one in place has the same bytes by its name.
      if ((await sizeOf(blobPath(digest))) === undefined) throw error;
      await unlink(from).catch(ignoreMissing);
    }
  };

  return {
    isEmpty: () => readdirSync(uploads).length === 0 && readdirSync(blobs).length === 0,
    async begin(algorithm) {
      const id = randomUUID();
      const handle = await open(uploadPath(id), 'wx', 0o600);
      await handle.close();
      sessions.set(id, { hash: newHash(algorithm), algorithm, offset: 0 });
      return id;
    },

    received,

    append: (id, source, chunk) =>
      exclusively(id, async () => {
        const handle = await openUpload(uploadPath(id));
        try {
          const length = (await handle.stat()).size;
          if (chunk !== undefined && chunk.start !== length) {
            throw new UploadError('out-of-order', `the next chunk must begin at ${length}`);
          }
          // Without a session that matches, `finish` reads the file again; that is rare: only after a restart.
          const known = sessions.get(id);
          const session = known?.offset === length ? known : undefined;
          if (session === undefined) sessions.delete(id);
          const receiving = { start: length, hash: session?.hash, expected: chunk?.length, takeRoom };
          const end = await receive(handle, source, receiving).catch(async (error: unknown) => {
            // Bytes that came before the connection broke are good, and the client may go on from there.
            if (error instanceof Interrupted) {
              if (session !== undefined) session.offset = error.end;
              throw new UploadError('interrupted', 'the connection ended inside the chunk');
            }
            sessions.delete(id);
            await handle.truncate(length).catch(() => undefined);
            throw error;
          });
          if (session !== undefined) session.offset = end;
          return end;
        } finally {
          await handle.close();
        }
      }),

    finish: (id, digest) =>
      exclusively(id, async () => {
        const path = uploadPath(id);
        const handle = await openUpload(path);
        let size: number;
        try {
          size = (await handle.stat()).size;
          const session = sessions.get(id);
          const hex =
            session?.algorithm === digest.algorithm && session.offset === size
              ? session.hash.digest('hex')
              : await hashFile(path, digest.algorithm);
          if (hex !== digest.hex) throw new UploadError('digest', 'provided digest did not match uploaded content');
          await handle.sync();
        } catch (error) {
          if (error instanceof UploadError) await drop(id);
          throw error;
        } finally {
          // A digested hash cannot go on; a failure here leaves the file, to be hashed again when it is retried.
          sessions.delete(id);
          await handle.close();
        }
        await prepare([digest]);
        await place(path, digest);
        await syncFolder(folderOf(digest));
        return size;
      }),

    cancel: (id) => exclusively(id, () => drop(id)),

    isBusy: (id) => busy.has(id),

    sweep(known) {
      const kept = new Set<string>();
      for (const name of readdirSync(uploads)) {
        if (known.has(name) || busy.has(name)) kept.add(name);
        else rmSync(join(uploads, name), { force: true });
      }
      return kept;
    },

    async putAll(contents) {
      await takeRoom(contents.reduce((sum, { bytes }) => sum + bytes.length, 0));
      const digests = contents.map((content) => content.digest);
      await prepare(digests);
      await forEachConcurrently(contents, concurrency, ({ digest, bytes }) => {
        const id = randomUUID();
        // As the writer of an upload: what sweeps meanwhile leaves it.
        return exclusively(id, async () => {
          const path = uploadPath(id);
          const handle = await open(path, 'wx', 0o600);
          try {
            await handle.writeFile(bytes);
            await handle.sync();
          } finally {
            await handle.close();
          }
          await place(path, digest);
        });
      });
      await forEachConcurrently([...new Set(digests.map(folderOf))], concurrency, syncFolder);
    },

    size: (digest) => sizeOf(blobPath(digest)),
    path: blobPath,

    read: (digest, range) => createReadStream(blobPath(digest), { ...range, highWaterMark: readSize }),

    async send(digest, range, to) {
      const handle = await open(blobPath(digest), 'r');
      try {
        await send(handle, range, to);
      } finally {
        await handle.close();
      }
    },

    readSmall(digest) {
      let file: number;
      try {
        file = openSync(blobPath(digest), 'r');
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
      try {
        const { size } = fstatSync(file);
        if (size > maxInMemoryBytes)
          throw new RangeError(`the blob ${digest.hex} has ${size} bytes, too many to read at once`);
        return readFileSync(file);
      } finally {
        closeSync(file);
      }
    },

    async *files() {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        for (const folder of await namesIn(join(blobs, algorithm))) {
          const names = await namesIn(join(blobs, algorithm, folder));
          yield names.flatMap((name) => parseDigest(`${algorithm}:${name}`) ?? []);
        }
      }
    },

    removeOlderThan(digest, age) {
      const path = blobPath(digest);
      try {
        const { size, mtimeMs, ctimeMs } = statSync(path);
        // Renaming into place sets the change time where the file system keeps one, writing the other.
        if (Math.max(mtimeMs, ctimeMs) > Date.now() - age) return undefined;
        rmSync(path);
        return size;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };

  async function openUpload(path: string): Promise<FileHandle> {
    try {
      return await open(path, 'r+');
    } catch (error) {
      if (isMissing(error)) throw new UploadError('unknown', 'no such upload');
      throw error;
    }
  }
}

const maxReservedBytes = 64 * 1024 * 1024;
const lookEvery = 64 * 1024 * 1024;

/**
 * Keeps content from taking the last of the disk, a sixth of a small one. The database lives there too: what has been
 * pushed can still be pulled, each time with an event, and deleted. Rejects with ENOSPC as the system does.
 */
function createRoom(folder: string): (bytes: number) => Promise<void> {
  /** Bytes that may be written before the disk's free space is read again. */
  let allowance = 0;
  return async (bytes) => {
    if (bytes > allowance) {
      const { bavail, blocks, bsize } = await statfs(folder);
      const room = bavail * bsize - Math.min(maxReservedBytes, (blocks * bsize) / 6);
      if (bytes > room) throw Object.assign(new Error('ENOSPC: the rest is the database’s'), { code: 'ENOSPC' });
      allowance = Math.max(bytes, Math.min(room / 4, lookEvery));
    }
    allowance -= bytes;
  };
}

async function hashFile(path: string, algorithm: DigestAlgorithm): Promise<string> {
  const hash = newHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: readSize })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; its file systems journal names themselves.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Ids come back in paths, so they must not be able to name another file. */
function isUploadId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
