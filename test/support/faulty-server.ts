// A server between the program and a real platform that answers well until it is told not to. For what a healthy platform
// never does: cut connections, half documents, endless waits, redirects, floods.

import {
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface FaultyRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Milliseconds since the server started, when the request was complete. */
  readonly at: number;
}

/** What happens to one request instead of being passed on. */
export type Fault = (response: ServerResponse, request: FaultyRequest, upstream: Upstream) => void;

/** The platform behind, for a fault that lets a request through. */
export interface Upstream {
  /** Asks it, and answers what it answers. */
  passOn(): void;
  /** Asks it, and answers nothing. Resolves when it has answered. */
  withhold(): Promise<void>;
}

export interface FaultyServer {
  readonly url: string;
  /** Every request since the last `heal`. */
  readonly requests: readonly FaultyRequest[];
  /** From now on every request whose path begins so has this fault, or the first `times` of them. */
  break(path: string, fault: Fault, times?: number): void;
  /** Passes everything on again, and forgets the requests. */
  heal(): void;
}

interface Rule {
  readonly path: string;
  readonly fault: Fault;
  left: number;
}

/** `upstream` is the address of the platform that stands behind it. */
export async function startFaultyServer(upstream: string): Promise<FaultyServer> {
  const requests: FaultyRequest[] = [];
  const rules: Rule[] = [];
  const started = performance.now();
  const server = createServer(async (incoming, response) => {
    // The program may hang up at any moment; that is part of the test.
    incoming.on('error', () => {});
    response.on('error', () => {});
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const request: FaultyRequest = {
      method: incoming.method ?? '',
      path: (incoming.url ?? '').replace(/\?.*$/, ''),
      headers: incoming.headers,
      body: body.toString('utf8'),
      at: performance.now() - started,
    };
    requests.push(request);
    const rule = rules.find(({ path, left }) => left > 0 && request.path.startsWith(path));
    if (rule !== undefined) {
      rule.left -= 1;
      rule.fault(response, request, {
        passOn: () => passOn(upstream, incoming, body, response),
        withhold: () => new Promise((resolve) => forward(upstream, incoming, body, () => resolve())),
      });
      return;
    }
    passOn(upstream, incoming, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    break: (path, fault, times = Number.POSITIVE_INFINITY) => {
      rules.push({ path, fault, left: times });
    },
    heal: () => {
      rules.length = 0;
      requests.length = 0;
    },
  };
}

function passOn(upstream: string, incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const asked = forward(upstream, incoming, body, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  asked.on('error', () => response.destroy());
}

function forward(
  upstream: string,
  incoming: IncomingMessage,
  body: Buffer,
  answered: (answer: IncomingMessage) => void,
): ClientRequest {
  const headers = { ...incoming.headers, host: new URL(upstream).host };
  return httpRequest(`${upstream}${incoming.url}`, { method: incoming.method, headers, agent: false }, answered).end(
    body,
  );
}

/** An answer with this status; text is sent as HTML, anything else as JSON. */
export function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Fault {
  return (response) => {
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers });
    response.end(isText ? body : JSON.stringify(body));
  };
}

/** The connection is cut before any answer. */
export const cut: Fault = (response) => {
  response.socket?.resetAndDestroy();
};

/** Nothing ever comes. */
export const silent: Fault = () => {};

/** An answer that begins well and then comes at one byte in a tenth of a second, for ever. */
export function drip(status = 200): Fault {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.write('{"items":[');
    const timer = setInterval(() => response.write(' '), 100);
    response.once('close', () => clearInterval(timer));
  };
}

/** A good status and half a document; `promised` says how long it would have been, so that its end is a cut. */
export function half(text: string, promised: boolean): Fault {
  return (response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      ...(promised ? { 'content-length': String(text.length * 2) } : {}),
    });
    if (!promised) {
      response.end(text);
      return;
    }
    response.write(text, () => response.socket?.destroy());
  };
}

/** A good answer of this many bytes. */
export function flood(bytes: number): Fault {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"items":[],"padding":"');
    const block = 'a'.repeat(1024 * 1024);
    let left = bytes;
    const pour = () => {
      while (left > 0) {
        left -= block.length;
        if (!response.write(block)) {
          response.once('drain', pour);
          return;
        }
      }
      response.end('"}');
    };
    pour();
  };
}

/** Somewhere else is the answer. */
export function redirect(status: number, location: string): Fault {
  return answer(status, 'moved', { location });
}
