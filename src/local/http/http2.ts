// HTTP/2 without TLS, for gRPC (RFC 9113 3.3). Loaded at the first such connection: node:http2 alone takes 19 ms.

import { createServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { RequestNote } from './server.ts';

/** Takes requests of gRPC, and answers them whatever happens. */
export type Http2Handler = (
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  note: (note: RequestNote) => void,
) => void;

export interface Http2Options {
  readonly handler: () => Promise<Http2Handler>;
  readonly isOwnHost: (authority: string | undefined) => boolean;
  /** Begins the log entry of a request. */
  readonly watch: (request: Http2ServerRequest, response: Http2ServerResponse) => (note: RequestNote) => void;
}

export interface Http2 {
  /** Serves a connection whose preface has not been read. */
  take(socket: Socket): void;
  /** Takes no more requests; connections end with those that run. */
  close(): void;
  /** Ends every connection now. */
  drop(): void;
}

/** Megabytes. Node refuses calls on a connection while 10 MB of answers wait to be read; two long lists are more. */
const largestSession = 1024;

export async function createHttp2({ handler, isOwnHost, watch }: Http2Options): Promise<Http2> {
  const handle = await handler();
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const server = createServer({ maxSessionMemory: largestSession, settings: { maxConcurrentStreams: 200 } });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  // Whatever is wrong with one connection ends that connection.
  server.on('sessionError', () => {});
  server.on('request', (request, response) => {
    const note = watch(request, response);
    if (!isOwnHost(request.authority)) {
      refuse(response, 421, 'this platform does not go by that host name');
    } else if (!/^application\/grpc(?:\+|;|$)/.test(request.headers['content-type'] ?? '')) {
      refuse(response, 415, 'over HTTP/2 this platform serves gRPC; everything else is served over HTTP/1.1');
    } else {
      handle(request, response, note);
    }
  });
  return {
    take(socket) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      server.emit('connection', socket);
    },
    close() {
      for (const session of sessions) session.close();
    },
    drop() {
      for (const session of sessions) session.destroy();
      // A session that has ended waits for its client to hang up, which one that has stopped never does.
      for (const socket of sockets) socket.destroy();
    },
  };
}

function refuse(response: Http2ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${reason}\n`);
}
