// HTTP/2 without TLS, for gRPC (RFC 9113 3.3). Loaded at the first such connection: node:http2 alone takes 19 ms.

import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import { destroyLater, type Patience } from './patience.ts';
import type { RequestNote } from './request-note.ts';

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
  readonly patience: Patience;
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
const maxSessionMemoryMb = 1024;

export async function createHttp2({ handler, isOwnHost, watch, patience }: Http2Options): Promise<Http2> {
  const handle = await handler();
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const idle = watchIdle(patience);
  /** The connection that a session is being made for. */
  let taken: Socket | undefined;
  const server = createServer({ maxSessionMemory: maxSessionMemoryMb, settings: { maxConcurrentStreams: 200 } });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    if (taken !== undefined) idle.add(session, taken);
  });
  // Whatever is wrong with one connection ends that connection.
  server.on('sessionError', () => {});
  server.on('request', (request, response) => {
    const note = watch(request, response);
    limitBody(request, patience);
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
      // HTTP/1 servers keep half-open connections; here a client that has gone without a word would keep its descriptor.
      socket.allowHalfOpen = false;
      socket.setKeepAlive(true, patience.idleMs);
      // One that has ended with good words waits for its client to hang up, which not every client does.
      socket.once('finish', () => destroyLater(socket, patience));
      taken = socket;
      server.emit('connection', socket);
      taken = undefined;
    },
    close() {
      idle.stop();
      for (const session of sessions) session.close();
    },
    drop() {
      for (const session of sessions) session.destroy();
      // A session that has ended waits for its client to hang up, which one that has stopped never does.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Says goodbye to connections that have had no call for long, whatever else their clients send. */
function watchIdle(patience: Patience): { add(session: ServerHttp2Session, socket: Socket): void; stop(): void } {
  const { idleMs } = patience;
  const sessions = new Map<ServerHttp2Session, { readonly socket: Socket; calls: number; since: number }>();
  const timer = setInterval(() => {
    for (const [session, { socket, calls, since }] of sessions) {
      if (calls > 0 || performance.now() - since < idleMs) continue;
      sessions.delete(session);
      session.close();
      destroyLater(socket, patience);
    }
  }, idleMs / 10).unref();
  return {
    add(session, socket) {
      const state = { socket, calls: 0, since: performance.now() };
      sessions.set(session, state);
      session.once('close', () => sessions.delete(session));
      session.on('stream', (stream) => {
        state.calls += 1;
        stream.once('close', () => {
          state.calls -= 1;
          state.since = performance.now();
        });
      });
    },
    stop: () => clearInterval(timer),
  };
}

/** The messages of calls are small, so a whole one has the time that a part of an upload has over HTTP/1. */
function limitBody(request: Http2ServerRequest, { bodyMs }: Patience): void {
  const { stream } = request;
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), bodyMs).unref();
  const clear = (): void => clearTimeout(timer);
  stream.once('end', clear).once('close', clear);
}

function refuse(response: Http2ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${reason}\n`);
}
