import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Announce } from '../../outbox/outbox.ts';
import type { BlobStore } from '../../store/blob-store.ts';
import type { Store } from '../../store/database.ts';
import { refuse } from '../registry-error.ts';
import type { createPullLog } from '../registry-events.ts';
import type { Gate } from './gate.ts';

/** What every route of the registry works with. */
export interface RegistryParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly gate: Gate;
  readonly logPull: ReturnType<typeof createPullLog>;
  readonly announce: Announce;
}

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** The body as a stream. Stopping early leaves the connection open, so that an answer still gets through. */
export function requestBody(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

/** The whole body. Throws 413 when it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLong = refuse(413, 'SIZE_INVALID', `the body is longer than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLong;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of requestBody(request)) {
    length += chunk.length;
    if (length > limit) throw tooLong;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function sendEmpty({ response }: Exchange, status: number, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, status === 204 ? headers : { 'Content-Length': '0', ...headers });
  response.end();
}

export function sendBytes(
  { response }: Exchange,
  bytes: Uint8Array,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': String(bytes.length), ...headers });
  // node:http sends no body in answer to HEAD.
  response.end(bytes);
}

export function sendJson(exchange: Exchange, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  sendBytes(exchange, Buffer.from(`${JSON.stringify(value)}\n`), 'application/json', headers);
}
