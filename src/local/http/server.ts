// The one listener of the platform. Promises: no input ends the process; a request under a foreign name is refused before
// anything looks at it; each request is logged once, without query, header or body.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { grpcCodes } from '../../api/status.ts';
import { type HttpHandler, StatusError } from '../types.ts';
import { sendStatus, toStatusError } from './answers.ts';
import { isOwnHost } from './host-check.ts';

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
  /** What went wrong inside the platform, with its stack: a defect, never part of the answer. */
  readonly error?: string;
}

export interface Call {
  readonly operation: string;
  readonly identity?: string;
}

export interface LoopbackServer {
  readonly port: number;
  /** Requests wait for this; handlers are asked in order. */
  serve(handlers: readonly HttpHandler[]): void;
  /** Tells the log what a request turned out to be. */
  note(request: IncomingMessage, call: Call): void;
  /** Accepts nothing more, gives running requests two seconds, then drops what is left. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly host: string;
  /** Tried in order while they are taken; 0 lets the system choose. */
  readonly ports: readonly number[];
  readonly now: () => number;
  readonly log?: ((line: RequestLogEntry) => void) | undefined;
}

/** What went wrong inside while one request was answered. */
interface Defect {
  error?: string;
}

const graceMs = 2000;
/** Tokens carry a claim per group, so headers may be long. */
const largestHeaders = 64 * 1024;

export async function startServer(options: ServerOptions): Promise<LoopbackServer> {
  let open: (handlers: readonly HttpHandler[]) => void = () => {};
  const ready = new Promise<readonly HttpHandler[]>((resolve) => {
    open = resolve;
  });
  const calls = new WeakMap<IncomingMessage, Call>();
  const running = new Set<Promise<void>>();
  let stopping = false;

  const server = createServer({
    maxHeaderSize: largestHeaders,
    headersTimeout: 10_000,
    keepAliveTimeout: 30_000,
    // A layer may take longer to push than Node's five minutes for a whole request.
    requestTimeout: 0,
  });
  server.on('clientError', refuseMalformed);
  const port = await listenOnOneOf(server, options);

  server.on('request', (request, response) => {
    if (stopping) response.setHeader('connection', 'close');
    const defect = watch(request, response, options, calls);
    const work = answer(request, response, ready, options.host, port).catch((error: unknown) => {
      fail(request, response, error, defect);
    });
    running.add(work);
    void work.finally(() => running.delete(work));
  });

  return {
    port,
    serve: (handlers) => open(handlers),
    note: (request, call) => calls.set(request, call),
    async stop() {
      stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.race([closed, delay(graceMs)]);
      server.closeAllConnections();
      await closed;
      // A handler whose connection is gone may still be busy with the store.
      await Promise.race([Promise.all(running), delay(graceMs)]);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  ready: Promise<readonly HttpHandler[]>,
  host: string,
  port: number,
): Promise<void> {
  const handlers = await ready;
  if (!isOwnHost(request.headers.host, host, port)) {
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

function fail(request: IncomingMessage, response: ServerResponse, error: unknown, defect: Defect): void {
  const { status, unexpected } = toStatusError(error);
  // Reading from a client that went away fails too, and is nobody's defect.
  if (unexpected && !(request.destroyed && !request.complete)) {
    defect.error = describe(error);
  }
  try {
    sendStatus(response, status);
  } catch {
    response.destroy();
  }
}

/** Logs the request when its answer is out or its connection is gone. */
function watch(
  request: IncomingMessage,
  response: ServerResponse,
  { log, now }: ServerOptions,
  calls: WeakMap<IncomingMessage, Call>,
): Defect {
  const defect: Defect = {};
  if (log === undefined) return defect;
  const time = now();
  const start = performance.now();
  response.once('close', () => {
    log({
      time,
      method: request.method ?? '',
      path: (request.url ?? '').replace(/[?#].*$/s, ''),
      status: response.writableFinished ? response.statusCode : 499,
      ms: performance.now() - start,
      ...calls.get(request),
      ...defect,
    });
  });
  return defect;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
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

function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  if (!socket.writable) return;
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
