// Bills of materials for the API, read by a thread of its own (sbom-worker.ts). Guarantees: one thread, started by the first
// document and ended with the platform; what it was doing when it died is an error of the request that asked.

import { Worker } from 'node:worker_threads';
import type { StatementFacts } from '../../../attestations/statement.ts';
import type { FromReader, Job, ToReader } from './sbom-jobs.ts';

/** Thrown for bytes that are no statement. */
export class UnreadableStatement extends Error {
  override readonly name = 'UnreadableStatement';
}

export interface SbomReader {
  /** Throws UnreadableStatement. */
  probe(path: string): Promise<StatementFacts>;
  /** Pieces of JSON; `ended` is told the digest of a document. */
  pieces(job: Exclude<Job, { kind: 'probe' }>, ended?: (digest: string) => void): AsyncGenerator<Uint8Array, void>;
  close(): Promise<void>;
}

/** Megabytes of the thread's own heap. Documents pass through in pieces. */
const heapLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

type Listener = (message: FromReader | { readonly kind: 'died'; readonly error: Error }) => void;

export function createSbomReader(): SbomReader {
  const listeners = new Map<number, Listener>();
  let worker: Worker | undefined;
  let last = 0;

  const started = (): Worker => {
    if (worker !== undefined) return worker;
    const fresh = startWorker();
    worker = fresh;
    // It waits for work and keeps nobody from ending.
    fresh.unref();
    fresh.on('message', (message: FromReader) => listeners.get(message.id)?.(message));
    const died = (error: Error): void => {
      if (worker === fresh) worker = undefined;
      for (const listener of [...listeners.values()]) listener({ kind: 'died', error });
    };
    fresh.on('error', died);
    fresh.on('exit', () => died(new Error('the thread that reads attestations has ended')));
    return fresh;
  };

  async function* follow(job: Job, ended: (value: StatementFacts | string) => void): AsyncGenerator<Uint8Array, void> {
    last += 1;
    const id = last;
    const thread = started();
    const say = (message: ToReader): void => thread.postMessage(message);
    const queue: Parameters<Listener>[0][] = [];
    let wake = (): void => {};
    listeners.set(id, (message) => {
      queue.push(message);
      wake();
    });
    let isOver = false;
    try {
      say({ id, kind: 'start', job });
      for (;;) {
        const message = queue.shift();
        if (message === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        isOver = message.kind !== 'piece';
        if (message.kind === 'died') throw message.error;
        if (message.kind === 'error') {
          throw message.isUnreadable ? new UnreadableStatement(message.message) : new Error(message.message);
        }
        if (message.kind === 'end') {
          ended(message.value);
          return;
        }
        yield message.piece;
        say({ id, kind: 'more' });
      }
    } finally {
      listeners.delete(id);
      if (!isOver) say({ id, kind: 'stop' });
    }
  }

  return {
    async probe(path) {
      let facts: StatementFacts | undefined;
      for await (const _ of follow({ kind: 'probe', path }, (value) => {
        if (typeof value !== 'string') facts = value;
      }));
      if (facts === undefined) throw new Error('the thread gave no facts');
      return facts;
    },
    pieces: (job, ended) =>
      follow(job, (value) => {
        if (typeof value === 'string') ended?.(value);
      }),
    async close() {
      const open = worker;
      worker = undefined;
      await open?.terminate();
    },
  };
}

function startWorker(): Worker {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return new Worker(new URL('../sbom-worker.cjs', here), { resourceLimits: heapLimits });
  // From the sources only in development and tests, whose loader a thread does not inherit.
  const source = new URL('./sbom-worker.ts', here).href;
  const load = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${JSON.stringify(source)}, ${JSON.stringify(here)}))`;
  return new Worker(load, { eval: true, resourceLimits: heapLimits });
}
