// The thread that reads attestations, so that a large document makes no other request wait. Guarantees: holds a few pieces of a
// document at a time, and waits while nobody takes them.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Package } from '../../../attestations/documents.ts';
import { probeStatement, readDocument, readEntries, type StatementFacts } from '../../../attestations/statement.ts';
import type { FromReader, Job, ToReader } from './sbom-jobs.ts';
import { toEdge, toMetadata, toNode } from './sbom-json.ts';

/** Bytes read at once, and bytes of a piece that is handed on. */
const pieceSize = 256 * 1024;
/** Pieces that are under way. */
const concurrency = 4;

interface Reader {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** Lets go on whoever waits for pieces to be taken; `false` when nobody wants more. */
const waiting = new Map<number, (goOn: boolean) => void>();
const underway = new Map<number, number>();

parentPort?.on('message', (message: ToReader) => {
  if (message.kind === 'start') void run(message.id, message.job);
  else {
    const count = (underway.get(message.id) ?? 0) - 1;
    if (underway.has(message.id)) underway.set(message.id, message.kind === 'stop' ? Number.NaN : count);
    waiting.get(message.id)?.(message.kind === 'more');
  }
});

const tell = (message: FromReader, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);

async function run(id: number, job: Job): Promise<void> {
  underway.set(id, 0);
  try {
    const value = job.kind === 'probe' ? await probe(job.path) : await write(id, job);
    tell({ id, kind: 'end', value });
  } catch (error) {
    // Whatever anybody attached: what cannot be read says nothing.
    const isUnreadable = error instanceof SyntaxError;
    tell({ id, kind: 'error', isUnreadable, message: error instanceof Error ? error.message : String(error) });
  } finally {
    underway.delete(id);
    waiting.delete(id);
  }
}

async function probe(path: string): Promise<StatementFacts> {
  const reader = probeStatement();
  await read(path, reader, async () => {});
  return reader.facts();
}

/** Reads a file into a reader; `after` is called behind every piece. */
async function read(path: string, reader: Reader, after: () => Promise<void>): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: pieceSize })) {
    reader.push(chunk as Buffer);
    await after();
  }
  reader.end();
}

async function write(id: number, job: Exclude<Job, { kind: 'probe' }>): Promise<string> {
  let pieces: Buffer[] = [];
  let size = 0;
  const add = (piece: Buffer | string): void => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    pieces.push(bytes);
    size += bytes.length;
  };
  const flush = async (least: number): Promise<void> => {
    if (size < least || size === 0) return;
    const piece = Uint8Array.from(Buffer.concat(pieces));
    pieces = [];
    size = 0;
    await room(id);
    underway.set(id, (underway.get(id) ?? 0) + 1);
    tell({ id, kind: 'piece', piece }, [piece.buffer]);
  };
  const { reader, finish } = writerOf(job, add);
  await read(job.path, reader, () => flush(pieceSize / 2));
  const value = finish();
  await flush(0);
  return value;
}

async function room(id: number): Promise<void> {
  while (!((underway.get(id) ?? 0) < concurrency)) {
    const goOn = !Number.isNaN(underway.get(id)) && (await new Promise<boolean>((resolve) => waiting.set(id, resolve)));
    if (!goOn) throw new Error('nobody wants more');
  }
}

function writerOf(
  job: Exclude<Job, { kind: 'probe' }>,
  add: (piece: Buffer | string) => void,
): { readonly reader: Reader; finish(): string } {
  const list = (prefix = '') => {
    let separator = prefix;
    return (value: unknown): void => {
      add(`${separator}${JSON.stringify(value)}`);
      separator = ',';
    };
  };
  switch (job.kind) {
    case 'document': {
      const hash = createHash('sha256');
      const encoder = job.encoding === 'base64' ? base64(add) : jsonText(add);
      const reader = readDocument(job.facts, (chunk) => {
        hash.update(chunk);
        encoder.write(chunk);
      });
      return {
        reader,
        finish() {
          encoder.end();
          return `sha256:${hash.digest('hex')}`;
        },
      };
    }
    case 'nodes': {
      const node = list();
      return { reader: readEntries(job.facts, { package: (one) => node(toNode(one)) }), finish: () => '' };
    }
    case 'edges': {
      const edge = list();
      const relationship = (one: Parameters<typeof toEdge>[0]): void => {
        const found = toEdge(one);
        if (found !== undefined) edge(found);
      };
      return { reader: readEntries(job.facts, { relationship }), finish: () => '' };
    }
    case 'metadata': {
      const item = list();
      return {
        reader: readEntries(job.facts, { package: (one) => item(toMetadata(one, job.created)) }),
        finish: () => '',
      };
    }
    case 'packages': {
      const names = new Set(job.names);
      const item = list();
      const isWanted = (one: Package): boolean => names.has(one.origin || one.name);
      return { reader: readEntries(job.facts, { package: (one) => isWanted(one) && item(one) }), finish: () => '' };
    }
  }
}

function base64(add: (piece: string) => void): { write(chunk: Uint8Array): void; end(): void } {
  let rest = Buffer.alloc(0);
  return {
    write(chunk) {
      const bytes = Buffer.concat([rest, chunk]);
      const cut = bytes.length - (bytes.length % 3);
      rest = Buffer.from(bytes.subarray(cut));
      add(bytes.toString('base64', 0, cut));
    },
    end: () => add(rest.toString('base64')),
  };
}

/** The inside of a JSON text. */
function jsonText(add: (piece: string) => void): { write(chunk: Uint8Array): void; end(): void } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    write: (chunk) => add(JSON.stringify(decoder.decode(chunk, { stream: true })).slice(1, -1)),
    end: () => add(JSON.stringify(decoder.decode()).slice(1, -1)),
  };
}
