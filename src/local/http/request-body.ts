import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalidArgument } from '../core/failures.ts';

/** Requests whose clients wait for our word before they send a body (RFC 9110 10.1.1). */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Lets such a client wait until its body is read, so that one that is refused has not sent it for nothing. */
export function holdBody(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response);
  // A refused client may still send the body, so nothing may follow on this connection.
  response.setHeader('connection', 'close');
}

/** The body as it comes. Stopping early leaves the connection open, so that an answer still gets through. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  const held = waiting.get(request);
  if (held !== undefined) {
    waiting.delete(request);
    held.removeHeader('connection');
    held.writeContinue();
  }
  // Without an encoding set, a request yields buffers.
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/**
 * The body as text, undefined when there is none. Throws INVALID_ARGUMENT past `limit` bytes or when it is not UTF-8.
 */
export async function readText(request: IncomingMessage, limit: number): Promise<string | undefined> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  // Most requests have none, and waiting for the end of nothing takes a tenth of a small one.
  if (length === undefined && encoding === undefined) return undefined;
  const tooLarge = () => invalidArgument(`the request body is larger than ${limit} bytes`);
  if (Number(length ?? 0) > limit) throw tooLarge();
  const bytes = await readBytes(request, limit);
  if (bytes === undefined) throw tooLarge();
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw invalidArgument('the request body is not UTF-8');
  // Some programs begin a text with a byte order mark.
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** Returns undefined past `limit` bytes. */
async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  // A small body has mostly come whole by now, and an iterator takes longer than all else that is done with it.
  if (request.complete && !waiting.has(request)) {
    // Without an encoding set, a request yields buffers.
    const bytes = (request.read() as Buffer | null) ?? Buffer.alloc(0);
    return bytes.length > limit ? undefined : bytes;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
