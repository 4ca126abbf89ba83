// Deletes unreferenced content. Guarantees: a blob that a manifest needs stays; one that was pushed or mounted, or
// whose manifest was deleted, within a day stays too, because another manifest may be on the way; no linked blob loses
// its file.

import type { BlobStore } from '../../store/blob-store.ts';
import type { Store } from '../../store/database.ts';
import { type Digest, digestText, parseDigest } from '../../store/digest.ts';

export interface Collected {
  /** Links of repositories to blobs that no manifest of theirs needs. */
  readonly links: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface GarbageOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Milliseconds a blob without a manifest is kept; by the platform's clock. */
  readonly linkAge?: number;
  /** Milliseconds a file without a row is kept; by the system's clock, as file systems keep time. */
  readonly fileAge?: number;
}

const day = 24 * 60 * 60 * 1000;
const hour = 60 * 60 * 1000;
const batchSize = 200;

export async function collectGarbage(options: GarbageOptions): Promise<Collected> {
  const { store, blobs, linkAge = day, fileAge = hour } = options;
  let links = 0;
  for (let removed = batchSize; removed === batchSize; await breathe()) {
    removed = store.transact((tx) =>
      tx.run(
        `DELETE FROM repo_blobs WHERE rowid IN (
           SELECT r.rowid FROM repo_blobs r WHERE r.created_at < ?
             AND NOT EXISTS (SELECT 1 FROM manifest_blobs m WHERE m.repo = r.repo AND m.digest = r.digest)
           LIMIT ?)`,
        tx.now - linkAge,
        batchSize,
      ),
    );
    links += removed;
  }

  let count = 0;
  let bytes = 0;
  const remove = (digest: Digest): void => {
    const text = digestText(digest);
    // From looking to unlinking nothing else runs: what a push has just linked is seen, what it is about to link is
    // too young.
    const isLinked = store.read((tx) => tx.get('SELECT 1 FROM repo_blobs WHERE digest = ? LIMIT 1', text));
    if (isLinked !== undefined) return;
    const size = blobs.removeOlderThan(digest, fileAge);
    if (size === undefined) return;
    store.transact((tx) => tx.run('DELETE FROM blobs WHERE digest = ?', text));
    count++;
    bytes += size;
  };
  const rows = store.read((tx) =>
    tx.all('SELECT digest FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM repo_blobs r WHERE r.digest = b.digest)'),
  );
  for (const row of rows) {
    const digest = parseDigest(String(row['digest']));
    if (digest !== undefined) remove(digest);
    await breathe();
  }
  // Files whose row was never written, because the process ended in between.
  for await (const digests of blobs.files()) {
    for (const digest of digests) {
      const known = store.read((tx) => tx.get('SELECT 1 FROM blobs WHERE digest = ?', digestText(digest)));
      if (known === undefined) remove(digest);
    }
    await breathe();
  }
  return { links, blobs: count, bytes };
}

/** Requests come first. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
