import type { PlatformClock } from '../../core/types.ts';
import type { BlobStore } from '../../store/blob-store.ts';
import type { Store } from '../../store/database.ts';

export interface BuilderOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: PlatformClock;
  readonly onDefect: (error: unknown) => void;
}
