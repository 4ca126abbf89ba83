import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEachTest } from './after-each-test.ts';

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly form: URLSearchParams;
}

export interface StubReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, or a value sent as JSON. */
  readonly body?: unknown;
  /** In place of a body: written one after the other, each in a packet of its own where the system has it so. */
  readonly pieces?: readonly (string | Uint8Array)[];
  /** Milliseconds before the answer. */
  readonly delayMs?: number;
  /** Cuts the connection instead of answering, or behind the pieces. */
  readonly reset?: boolean;
}

type Answerer = (request: StubRequest) => StubReply;

export interface StubServer {
  readonly url: string;
  /** Every request so far. */
  readonly requests: StubRequest[];
  /** The next request must be this one; it is answered so. */
  expect(what: string, reply: StubReply | Answerer): void;
}

const running: { close(): Promise<string[]> }[] = [];

/**
 * A server on a loopback port that answers what it was told to expect, in order, and fails the test on anything else and
 * on what nobody asked for. For answers that a healthy platform cannot give. With `tls` it speaks https.
 */
export async function stubServer(tls?: { readonly key: string; readonly cert: string }): Promise<StubServer> {
  const expected: { what: string; reply: StubReply | Answerer }[] = [];
  const problems: string[] = [];
  const requests: StubRequest[] = [];
  const serve: RequestListener = async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
    const request: StubRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body,
      form: new URLSearchParams(body),
    };
    requests.push(request);
    const next = expected.shift();
    const what = `${request.method} ${request.path}`;
    if (next === undefined || next.what !== what) {
      problems.push(`${what} came, ${next?.what ?? 'nothing'} was expected`);
      response.writeHead(418).end();
      return;
    }
    await answer(response, typeof next.reply === 'function' ? next.reply(request) : next.reply);
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push({
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      return [...problems, ...expected.map(({ what }) => `${what} was expected and did not come`)];
    },
  });
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    expect: (what, reply) => {
      expected.push({ what, reply });
    },
  };
}

async function answer(response: ServerResponse, reply: StubReply): Promise<void> {
  if (reply.delayMs) await new Promise((resolve) => setTimeout(resolve, reply.delayMs));
  if (reply.reset && reply.pieces === undefined) {
    response.destroy();
    return;
  }
  const isText = typeof reply.body === 'string';
  response.writeHead(reply.status ?? 200, {
    'content-type': isText ? 'text/html' : 'application/json',
    ...reply.headers,
  });
  if (reply.pieces !== undefined) {
    for (const piece of reply.pieces) {
      await new Promise((resolve) => response.write(piece, resolve));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (reply.reset) response.destroy();
    else response.end();
    return;
  }
  response.end(isText ? reply.body : JSON.stringify(reply.body ?? {}));
}

afterEachTest(async () => {
  const problems = (await Promise.all(running.splice(0).map((server) => server.close()))).flat();
  if (problems.length > 0) throw new Error(`stub server: ${problems.join('; ')}`);
});
