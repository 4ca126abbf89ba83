import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Announce } from '../../core/handler.ts';
import { bodyOf } from '../../http/request-body.ts';
import type { BlobStore } from '../../store/blob-store.ts';
import type { Store } from '../../store/database.ts';
import { type Digest, parseDigest } from '../../store/digest.ts';
import { refuse } from '../registry-error.ts';
import type { createPullLog } from '../registry-events.ts';
import type { Authorization } from './authorization.ts';

/** Dependencies of every route of the registry. */
export interface RegistryParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly authorization: Authorization;
  readonly logPull: ReturnType<typeof createPullLog>;
  readonly announce: Announce;
}

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** The whole body. Throws 413 when it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLong = refuse(413, 'SIZE_INVALID', `the body is longer than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLong;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bodyOf(request)) {
    length += chunk.length;
    if (length > limit) throw tooLong;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Throws 400 DIGEST_INVALID for what is not a whole digest of an algorithm we know. */
export function requireDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (digest === undefined) throw refuse(400, 'DIGEST_INVALID', 'not a digest this registry can check');
  return digest;
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
