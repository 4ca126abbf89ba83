// Answers of the API and of the platform's own pages. Guarantees: a failure is always google.rpc.Status JSON (semantics
// 7), nothing may be cached, and what an unexpected exception says stays in the log.

import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { grpcCodes, httpStatusOf, WireError } from '../../api/status.ts';
import { StatusError } from '../core/types.ts';

export function sendJson(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'application/json', text);
}

/** Sends JSON while it is made. Throws while nothing was sent yet; later the connection is cut. */
export async function sendPieces(response: ServerResponse, pieces: AsyncIterable<Uint8Array | string>): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = async function* (): AsyncGenerator<Uint8Array | string> {
    if (first.done !== true) yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  try {
    await pipeline(Readable.from(rest(), { objectMode: false }), response);
  } catch (error) {
    // The client went away; nobody is there to tell.
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  }
}

/** `httpStatus` only where HTTP itself has a word that no gRPC code maps to, e.g. 421. */
export function sendStatus(response: ServerResponse, error: StatusError, httpStatus = httpStatusOf(error.code)): void {
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  // The rest of a refused body is not worth reading to its end.
  if (!response.req.complete) response.setHeader('connection', 'close');
  if (error.code === grpcCodes.UNAUTHENTICATED) response.setHeader('www-authenticate', headerText(error.message));
  sendJson(response, httpStatus, JSON.stringify({ code: error.code, message: error.message, details: error.details }));
}

/** Returns what goes over the wire for anything thrown; `unexpected` when it is for the log alone. */
export function toStatusError(error: unknown): { status: StatusError; unexpected: boolean } {
  if (error instanceof StatusError) return { status: error, unexpected: false };
  if (error instanceof WireError) return { status: new StatusError(error.code, error.message), unexpected: false };
  const full = isDiskFull(error);
  const message = full ? 'the platform cannot write: its disk is full' : 'internal error';
  return { status: new StatusError(grpcCodes.INTERNAL, message), unexpected: true };
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** Header values are Latin-1 without controls; messages may quote what a caller sent. */
function headerText(message: string): string {
  return message.replace(/[^\x20-\x7e]/g, '?');
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // SQLITE_FULL is 13; both drivers put SQLite's own sentence into the message.
  return /database or disk is full|ENOSPC/.test(error.message);
}
