// Builds the images that overlays ask for, one after the other, after the commit that queued them. Guarantees: the
// result is the base image's own layers with one more on top, its SBOM attested; tags move only when everything is in
// place; a build that the end of the process cut short begins again with the next start.

import type { Tx } from '../store/database.ts';
import type { BuilderOptions } from './builds/options.ts';

export interface Builder {
  /** Goes on with what is left from before, and with what is queued from now on. */
  start(): void;
  /** Waits for the build that is running. */
  stop(): Promise<void>;
}

const retryMs = 5000;

export function createBuilder(options: BuilderOptions): Builder {
  const { store, clock, onDefect } = options;
  let stopped = false;
  let running: Promise<void> | undefined;
  let stopListening: () => void = () => {};

  let retry: NodeJS.Timeout | undefined;

  const plan = (): void => {
    if (stopped || running !== undefined) return;
    try {
      if (!store.read(hasWork)) return;
    } catch (error) {
      later(error);
      return;
    }
    running = run()
      .then(
        // Something may have been queued after the last look.
        () => void setImmediate(plan),
        later,
      )
      .finally(() => {
        running = undefined;
      });
  };

  /** After what nobody foresaw, such as a full disk. */
  const later = (error: unknown): void => {
    onDefect(error);
    retry = setTimeout(plan, retryMs).unref();
  };

  const run = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (!stopped) {
      const id = store.transact(begin);
      if (id === undefined) return;
      // Code that packs and unpacks archives is loaded when there is something to build.
      const [{ buildCustomImage }, { addToLog, BuildError }] = await Promise.all([
        import('./builds/build-image.ts'),
        import('./builds/build-log.ts'),
      ]);
      await buildCustomImage(options, id).catch((error: unknown) => {
        const isExpected = error instanceof BuildError;
        if (!isExpected) onDefect(error);
        const message = isExpected ? error.message : 'the build failed inside the platform; its log says more';
        store.transact((tx) => {
          addToLog(tx, id, clock, 'ERROR', message);
          tx.run("UPDATE builds SET result = 'Failure', completed_at = ? WHERE id = ?", tx.now, id);
        });
      });
    }
  };

  return {
    start() {
      // Reading is not allowed while the commit's own transaction is still being left.
      stopListening = store.onCommit(() => setImmediate(plan));
      plan();
    },
    async stop() {
      stopped = true;
      stopListening();
      clearTimeout(retry);
      await running;
    },
  };
}

function hasWork(tx: Tx): boolean {
  return tx.get('SELECT 1 FROM builds WHERE completed_at IS NULL LIMIT 1') !== undefined;
}

/** The oldest build that is not done; one that began before a restart begins again, with an empty log. */
function begin(tx: Tx): string | undefined {
  const row = tx.get('SELECT id FROM builds WHERE completed_at IS NULL ORDER BY queued_at, id LIMIT 1');
  if (row === undefined) return undefined;
  tx.run("UPDATE builds SET started_at = ?, log = '' WHERE id = ?", tx.now, String(row['id']));
  return String(row['id']);
}
