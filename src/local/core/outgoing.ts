// One request of the platform to somebody else's server. Guarantees: never follows a redirect, ends in time, reads no more
// than it was told.

import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** Bytes of the answer. */
  readonly maxBytes: number;
  /** How names become addresses; as the system says without. Is not asked for hosts that are addresses. */
  readonly lookup?: LookupFunction;
}

export interface OutgoingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Resolves whatever the status; rejects with an Error whose message is one clause and holds nothing that was sent. */
export async function ask(url: URL, outgoing: Outgoing): Promise<OutgoingAnswer> {
  const { method, headers, body, timeoutMs, maxBytes, lookup } = outgoing;
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error) =>
      reject(signal.aborted ? new Error(`it did not answer within ${timeoutMs / 1000} s`) : error);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = {
      method,
      signal,
      agent: false,
      headers: { accept: 'application/json', ...length, ...headers },
      ...(lookup === undefined ? {} : { lookup }),
    };
    const call = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) response.destroy(new RangeError(`its answer is larger than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    call.on('error', fail);
    call.end(body);
  });
}
