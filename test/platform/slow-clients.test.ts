// Clients that go away without a word, or never finish what they began. Whether the server has given a connection back is
// seen from the client's side: a byte that is sent to a closed one is answered with a reset.

import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { defaultPatience, type Patience } from '../../src/local/http/patience.ts';
import { type LoopbackServer, startServer } from '../../src/local/http/server.ts';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame. */
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

let sockets: Socket[] = [];
let servers: LoopbackServer[] = [];
let sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const session of sessions) session.destroy();
  for (const server of servers) await server.stop();
  sockets = [];
  servers = [];
  sessions = [];
});

interface Client {
  readonly socket: Socket;
  heard(): string;
  /** Whether the server has let go of the connection altogether. */
  isOver(): boolean;
}

/** Keeps its own half open whatever the server does. */
async function open(port: number, ...parts: (string | Buffer)[]): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    heard += chunk;
  });
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  for (const part of parts) socket.write(part);
  return {
    socket,
    heard: () => heard,
    isOver() {
      if (socket.writable) socket.write('x');
      return socket.destroyed;
    },
  };
}

async function serve(patience: Partial<Patience> = {}): Promise<number> {
  const all = { ...defaultPatience, ...patience };
  const server = await startServer({ host: '127.0.0.1', ports: [0], now: () => 0, patience: all });
  servers.push(server);
  server.serve({
    http1: [
      {
        async handle(request, response, url) {
          if (url.pathname === '/read') for await (const _ of request);
          if (url.pathname === '/never') await new Promise(() => {});
          response.end('done');
          return true;
        },
      },
    ],
    http2: async () => (request, response) => {
      if (request.url === '/never') return;
      if (request.url === '/read') request.resume().once('end', () => response.end('called'));
      else response.end('called');
    },
  });
  return server.port;
}

// Only what never happens takes so long.
const soon = { timeout: 30_000, interval: 20 };

test('an HTTP/2 client that goes away without GOAWAY leaves nothing behind', async () => {
  const port = await serve();
  const clients = await Promise.all(Array.from({ length: 20 }, () => open(port, preface, settings)));
  for (const { heard } of clients) await expect.poll(() => heard().length, soon).toBeGreaterThan(0);
  // Only a FIN, as the system sends it for a process that was killed.
  for (const { socket } of clients) socket.end();
  await expect.poll(() => clients.every(({ socket }) => socket.destroyed), soon).toBe(true);
});

test('an HTTP/1 client that goes away in the middle of a head leaves nothing behind', async () => {
  const port = await serve();
  const clients = await Promise.all(['', 'G', 'GET / HTTP/1.1\r\nHost:'].map((text) => open(port, text)));
  for (const { socket } of clients) socket.end();
  await expect.poll(() => clients.every(({ socket }) => socket.destroyed), soon).toBe(true);
});

test.each([
  ['malformed', 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['half', 'GET / HTTP/1.1\r\nHost: 127.0', /^HTTP\/1\.1 408 /],
  ['too long', `GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(100_000)}`, /^HTTP\/1\.1 431 /],
])('a %s head is answered, and the connection destroyed', async (_, head, answer) => {
  const port = await serve({ headMs: 200, lingerMs: 50 });
  const client = await open(port, head);
  await expect.poll(client.heard, soon).toMatch(answer);
  await expect.poll(client.isOver, soon).toBe(true);
});

test('a connection that says nothing is dropped', async () => {
  const client = await open(await serve({ firstByteMs: 100 }));
  await once(client.socket, 'end');
  await expect.poll(client.isOver, soon).toBe(true);
});

const head = (port: number, path: string, length = 10_000) =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${length}\r\n\r\n`;

test.each([
  ['that is read', '/read', /^HTTP\/1\.1 408 .*nothing more of the request body came for 0\.1 s/s],
  ['that nobody reads', '/unread', /^HTTP\/1\.1 200 .*done$/s],
])('a body %s and stands still ends the connection', async (_, path, answer) => {
  const port = await serve({ bodyMs: 100 });
  const client = await open(port, head(port, path), 'begun');
  await expect.poll(client.heard, soon).toMatch(answer);
  await expect.poll(client.isOver, soon).toBe(true);
});

test('a body that trickles is one that stands still', async () => {
  const port = await serve({ bodyMs: 200 });
  const client = await open(port, head(port, '/read'));
  const trickle = setInterval(() => client.socket.write('x'), 10);
  await expect.poll(client.heard, soon).toMatch(/^HTTP\/1\.1 408 /);
  clearInterval(trickle);
  await expect.poll(client.isOver, soon).toBe(true);
});

test('a body that goes on is taken, however long it takes; one that waits for us is not blamed', async () => {
  // Twenty parts take longer than the limit together, and each of them far less, on a busy machine as well.
  const port = await serve({ bodyMs: 1_000 });
  const slow = await open(port, head(port, '/read', 20 * 1024));
  const ours = await open(port, head(port, '/never'), 'begun');
  for (let part = 0; part < 20; part += 1) {
    slow.socket.write('x'.repeat(1024));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await expect.poll(slow.heard, soon).toMatch(/^HTTP\/1\.1 200 .*done$/s);
  expect(ours.socket.destroyed).toBe(false);
  expect(ours.heard()).toBe('');
});

function http2(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

const call = (path: string) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });

test('an HTTP/2 connection without calls is told goodbye and let go, one with a call is not', async () => {
  const port = await serve({ idleMs: 300, lingerMs: 50 });
  const stubborn = await open(port, preface, settings);
  const [idle, busy] = [http2(port), http2(port)];
  const waiting = busy.request(call('/never'), { endStream: true }).on('error', () => {});
  await once(busy, 'connect');
  await expect.poll(stubborn.isOver, soon).toBe(true);
  await expect.poll(() => idle.destroyed, soon).toBe(true);
  expect([busy.closed, waiting.closed]).toEqual([false, false]);
});

test('a call over HTTP/2 whose message does not arrive is cancelled', async () => {
  const session = http2(await serve({ bodyMs: 200 }));
  const slow = session.request(call('/read')).on('error', () => {});
  const quick = session.request(call('/read'), { endStream: true }).resume();
  await once(quick, 'close');
  expect(quick.rstCode).toBe(0);
  slow.write('x');
  await once(slow, 'close');
  expect(slow.rstCode).toBe(8);
});

test('two Host headers are refused, whichever comes first', async () => {
  const port = await serve();
  for (const hosts of [
    ['127.0.0.1', 'evil.example'],
    ['evil.example', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
  ]) {
    const lines = hosts.map((host, index) => `${index === 0 ? 'Host' : 'hOST'}: ${host}:${port}\r\n`).join('');
    const client = await open(port, `GET / HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`);
    await expect.poll(client.heard, soon).toMatch(/^HTTP\/1\.1 400 .*more than one Host header/s);
  }
});
