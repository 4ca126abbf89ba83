// Uploads that nobody finishes. Apart from the routes, because every start looks for them and few use the registry.

import type { BlobStore } from '../../store/blob-store.ts';
import type { Store, Tx } from '../../store/database.ts';

interface Uploads {
  readonly store: Store;
  readonly blobs: BlobStore;
}

/** Unfinished uploads nobody has touched for this long are removed. */
const abandonedAfter = 24 * 60 * 60 * 1000;

/** Files and rows of uploads that no longer have each other, after a crash; and abandoned ones. Before any upload begins. */
export function sweepUploads(uploads: Uploads): void {
  const { store, blobs } = uploads;
  store.transact((tx) => {
    dropAbandoned(uploads, tx);
    const rows = tx.all('SELECT id FROM uploads').map((row) => String(row['id']));
    const kept = blobs.sweep(new Set(rows));
    for (const id of rows) if (!kept.has(id)) tx.run('DELETE FROM uploads WHERE id = ?', id);
  });
}

/** Uploads that nobody has touched for a day. */
export function dropAbandonedUploads(uploads: Uploads): void {
  uploads.store.transact((tx) => dropAbandoned(uploads, tx));
}

export function dropAbandoned({ blobs }: Pick<Uploads, 'blobs'>, tx: Tx): void {
  const rows = tx.all('SELECT id FROM uploads WHERE touched_at < ?', tx.now - abandonedAfter);
  for (const row of rows) {
    const id = String(row['id']);
    if (blobs.isBusy(id)) continue;
    tx.run('DELETE FROM uploads WHERE id = ?', id);
    // A file that stays behind is swept when the platform starts.
    blobs.cancel(id).catch(() => undefined);
  }
}
