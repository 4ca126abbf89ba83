// The one listener of the platform. Guarantees: no input ends the process; a request under a foreign name is refused
// before anything looks at it; each request is logged once, without query, header or body.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { grpcCodes } from '../../api/status.ts';
import { stackOf } from '../../errors.ts';
import { lazily } from '../core/lazily.ts';
import { type HttpHandler, StatusError } from '../core/types.ts';
import { sendStatus, toStatusError } from './answers.ts';
import { chooseProtocol } from './connections.ts';
import { isOwnHost } from './host-check.ts';
import type { Http2Handler } from './http2.ts';
import { defaultPatience, endThenDestroy, type Patience, watchBodies } from './patience.ts';
import { holdBody } from './request-body.ts';
import type { RequestNote } from './request-note.ts';

/** One answered (or dropped) request. */
export interface RequestLogEntry {
  /** When it came, milliseconds since the epoch by the platform's clock. */
  readonly time: number;
  readonly method: string;
  /** Percent-encoded, without query. */
  readonly path: string;
  /** HTTP status; 499 when the client went away before the answer was out. */
  readonly status: number;
  /** Milliseconds it took, with fraction. */
  readonly ms: number;
  /** UIDP of the caller, once known. */
  readonly identity?: string;
  /** Id of the API operation, e.g. `iam.v1.Groups.List`. */
  readonly operation?: string;
  /** Failure inside the platform, with its stack: a defect, never part of the answer. */
  readonly error?: string;
}

/** Handlers of requests. */
export interface Handlers {
  /** Over HTTP/1, asked in order. */
  readonly http1: readonly HttpHandler[];
  /** Asked for when the first connection of its kind comes. */
  readonly http2: () => Promise<Http2Handler>;
}

export interface LoopbackServer {
  readonly port: number;
  serve(handlers: Handlers): void;
  /** Tells the log what a request turned out to be. */
  note(request: IncomingMessage, note: RequestNote): void;
  /** Accepts nothing more, gives running requests two seconds, then drops what is left. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly host: string;
  /** Host names it answers to besides. */
  readonly hostAliases?: readonly string[] | undefined;
  /** Tried in order while they are taken; 0 lets the system choose. */
  readonly ports: readonly number[];
  readonly now: () => number;
  readonly log?: ((line: RequestLogEntry) => void) | undefined;
  readonly patience?: Patience;
}

const graceMs = 2000;
/** Tokens carry a claim per group, so headers may be long. */
const maxHeaderBytes = 64 * 1024;

export async function startServer(options: ServerOptions): Promise<LoopbackServer> {
  let open: (handlers: Handlers) => void = () => {};
  const ready = new Promise<Handlers>((resolve) => {
    open = resolve;
  });
  const patience = options.patience ?? defaultPatience;
  const watch = (request: LoggedRequest, response: LoggedResponse) => logWhenDone(request, response, options);
  const notes = new WeakMap<object, (note: RequestNote) => void>();
  const running = new Set<Promise<void>>();
  let stopping = false;

  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: patience.headMs,
    connectionsCheckingInterval: patience.headMs / 4,
    keepAliveTimeout: 30_000,
    // A layer may take longer to push than Node's five minutes for a whole request; one that stands still is ended.
    requestTimeout: 0,
  });
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket, patience));
  const bodies = watchBodies(patience, (request, response) => {
    // An answer that is out no longer knows its connection.
    if (response.headersSent) request.socket.destroy();
    else sendStatus(response, bodyStoodStill(patience), 408);
  });
  const [serveHttp1] = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  /** Connections that have not said yet which protocol they speak. */
  const undecided = new Set<Socket>();
  const isOwn = (name: string | undefined): boolean => isOwnHost(name, options.host, port, options.hostAliases);
  const http2 = lazily(async () => {
    const { createHttp2 } = await import('./http2.ts');
    return createHttp2({
      handler: (await ready).http2,
      isOwnHost: isOwn,
      watch,
      patience,
    });
  });
  server.removeAllListeners('connection').on('connection', (socket) => {
    undecided.add(socket);
    socket.once('close', () => undecided.delete(socket));
    const decided = (serve: (socket: Socket) => void) => (): void => {
      undecided.delete(socket);
      serve(socket);
    };
    chooseProtocol(socket, patience, {
      http1: decided((its) => serveHttp1?.call(server, its)),
      http2: decided((its) => {
        http2().then(
          ({ take }) => take(its),
          (error: unknown) => {
            its.destroy();
            options.log?.({ time: options.now(), method: '', path: '', status: 500, ms: 0, error: stackOf(error) });
          },
        );
      }),
    });
  });
  const port = await listenOnOneOf(server, options);

  server.on('checkContinue', (request, response) => {
    holdBody(request, response);
    server.emit('request', request, response);
  });
  server.on('request', (request, response) => {
    if (stopping) response.setHeader('connection', 'close');
    const note = watch(request, response);
    notes.set(request, note);
    bodies.add(request, response);
    const work = answer(request, response, ready, isOwn).catch((error: unknown) => {
      fail(request, response, error, note);
    });
    running.add(work);
    void work.finally(() => running.delete(work));
  });

  return {
    port,
    serve: (handlers) => open(handlers),
    note: (request, note) => notes.get(request)?.(note),
    async stop() {
      stopping = true;
      bodies.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const socket of undecided) socket.destroy();
      // The caller of a connection that cannot be made has been told.
      const grpc = http2.made?.catch(() => undefined);
      void grpc?.then((made) => made?.close());
      await Promise.race([closed, delay(graceMs)]);
      server.closeAllConnections();
      void grpc?.then((made) => made?.drop());
      await closed;
      // A handler whose connection is gone may still be busy with the store.
      await Promise.race([Promise.all(running), delay(graceMs)]);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  ready: Promise<Handlers>,
  isOwn: (host: string | undefined) => boolean,
): Promise<void> {
  const { http1: handlers } = await ready;
  // Node keeps the first; a proxy in front may have looked at the other (RFC 9112 3.2).
  if (countOf(request, 'host') > 1) {
    throw new StatusError(grpcCodes.INVALID_ARGUMENT, 'the request has more than one Host header');
  }
  if (!isOwn(request.headers.host)) {
    sendStatus(
      response,
      new StatusError(grpcCodes.PERMISSION_DENIED, 'this platform does not go by that host name'),
      421,
    );
    return;
  }
  const target = request.url ?? '';
  // A proxy's absolute form would let the target name another host than the header that was checked.
  if (!target.startsWith('/')) throw new StatusError(grpcCodes.INVALID_ARGUMENT, 'the request target is not a path');
  // Reading it as a URL would quietly make another path of these, and so another name.
  if (/^[^?#]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?#]|$))/i.test(target)) {
    throw new StatusError(grpcCodes.INVALID_ARGUMENT, 'the request target has a backslash or a dot segment');
  }
  const url = new URL(`http://${request.headers.host}${target}`);
  for (const handler of handlers) {
    if (await handler.handle(request, response, url)) return;
  }
  throw new StatusError(grpcCodes.NOT_FOUND, 'Not Found');
}

function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.length === name.length && rawHeaders[at]?.toLowerCase() === name) count += 1;
  }
  return count;
}

function fail(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  note: (note: RequestNote) => void,
): void {
  const { status, unexpected } = toStatusError(error);
  // Reading from a client that went away fails too, and is nobody's defect.
  if (unexpected && !(request.destroyed && !request.complete)) {
    note({ error: stackOf(error) });
  }
  try {
    sendStatus(response, status);
  } catch {
    response.destroy();
  }
}

/** Of HTTP/1 and HTTP/2 alike. */
interface LoggedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

interface LoggedResponse {
  readonly statusCode: number;
  readonly writableFinished: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** Logs the request when its answer is out or its connection is gone, with what was noted of it until then. */
function logWhenDone(
  request: LoggedRequest,
  response: LoggedResponse,
  { log, now }: ServerOptions,
): (note: RequestNote) => void {
  if (log === undefined) return () => {};
  const notes: RequestNote[] = [];
  const time = now();
  const start = performance.now();
  response.once('close', () => {
    const { status = response.statusCode, ...noted }: RequestNote = Object.assign({}, ...notes);
    log({
      time,
      method: request.method ?? '',
      path: (request.url ?? '').replace(/[?#].*$/s, ''),
      status: response.writableFinished ? status : 499,
      ms: performance.now() - start,
      ...noted,
    });
  });
  return (note) => notes.push(note);
}

async function listenOnOneOf(server: Server, { host, ports }: ServerOptions): Promise<number> {
  for (const [index, port] of ports.entries()) {
    try {
      return await listen(server, host, port);
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
      if (!taken || index === ports.length - 1) throw error;
    }
  }
  throw new RangeError('no port to listen on was given');
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      // Listening on a host and a port, not on a pipe.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function bodyStoodStill({ bodyMs }: Patience): StatusError {
  const seconds = bodyMs / 1000;
  return new StatusError(grpcCodes.DEADLINE_EXCEEDED, `nothing more of the request body came for ${seconds} s`);
}

function refuseMalformed(error: Error & { code?: string }, socket: Socket, patience: Patience): void {
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  endThenDestroy(socket, patience, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
