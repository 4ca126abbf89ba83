// Requests to a server that is really there; failures on the way are in test/e2e/platform-faults.test.ts. Run on Bun as well,
// where executables use another client: `node scripts/release/on-bun.mjs`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { challengesIn } from '../../src/api/challenges.ts';
import { closeTransport, send, sendStreaming } from '../../src/api/transport.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';

let host: FakeHost;
let server: Server;

afterEach(async () => {
  await closeTransport(host);
  server.closeAllConnections();
  server.close();
});

async function serve(answer: RequestListener): Promise<string> {
  host = fakeHost();
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

/** Answers everything with these bytes, and leaves the connection open. */
async function serveRaw(answer: string): Promise<string> {
  await serve(() => {});
  const raw = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    onTestFinished(() => void socket.destroy());
    socket.once('data', () => void socket.write(answer));
  });
  onTestFinished(() => void raw.close());
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  const address = raw.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

test('challenges that come in two headers are two', async () => {
  const url = await serve((_request, response) =>
    response.writeHead(401, ['WWW-Authenticate', 'Basic realm="a"', 'WWW-Authenticate', 'Bearer realm="b"']).end(),
  );
  const { status, headers } = await send(host, { method: 'GET', url });
  expect(status).toBe(401);
  const challenges = challengesIn(headers['www-authenticate']);
  expect(challenges.map(({ scheme, parameters }) => [scheme, parameters.get('realm')])).toEqual([
    ['basic', 'a'],
    ['bearer', 'b'],
  ]);
});

test('a body says how long it is, with any method', async () => {
  const url = await serve((request, response) => {
    const { method, headers } = request;
    response.end(JSON.stringify([method, headers['content-length'], headers['transfer-encoding']]));
  });
  const ask = async (method: 'GET' | 'POST' | 'DELETE', body?: string) =>
    JSON.parse((await send(host, { method, url, ...(body === undefined ? {} : { body }) })).text);
  expect(await ask('POST', 'ä')).toEqual(['POST', '2', null]);
  expect(await ask('DELETE', '{}')).toEqual(['DELETE', '2', null]);
  expect(await ask('POST')).toEqual(['POST', '0', null]);
  expect(await ask('GET')).toEqual(['GET', null, null]);
});

test('one connection serves what is asked one after another', async () => {
  const ports = new Set<number | undefined>();
  const url = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end('x');
  });
  for (let count = 0; count < 3; count += 1) await send(host, { method: 'GET', url });
  expect(ports.size).toBe(1);
});

test('a streamed answer that dribbles is given up, one that ends or flows in time is not', async () => {
  const url = await serve((request, response) => {
    const [, size = '', pieces = ''] = (request.url ?? '').split('/');
    let left = Number(pieces);
    const timer = setInterval(() => {
      left -= 1;
      response.write('x'.repeat(Number(size)));
      if (left === 0) response.end();
    }, 20);
    response.once('close', () => clearInterval(timer));
  });
  const read = async (size: number, pieces: number) => {
    const address = new URL(`/${size}/${pieces}`, url).href;
    const { body } = await sendStreaming(host, { method: 'GET', url: address, timeoutMs: 1_000, leastBytes: 1024 });
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.length;
    return bytes;
  };
  await expect(read(1, 1_000_000)).rejects.toMatchObject({ kind: 'timeout', code: 'network.timeout' });
  expect(await read(1, 3)).toBe(3);
  expect(await read(16 * 1024, 60)).toBe(60 * 16 * 1024);
});

test('a streamed answer may be read slowly, and is given up when the server pauses', async () => {
  const url = await serve((_request, response) => {
    response.write('one');
    setTimeout(() => response.write('two'), 50);
  });
  const { body } = await sendStreaming(host, { method: 'GET', url, timeoutMs: 1_000 });
  const read: string[] = [];
  const reading = (async () => {
    for await (const chunk of body) {
      read.push(String(chunk));
      if (read.length === 1) await wait(1_200);
    }
  })();
  await expect(reading).rejects.toMatchObject({ kind: 'timeout', message: expect.stringContaining('within 1 s') });
  expect(read.join('')).toBe('onetwo');
});

test.each([
  ['switches to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n'],
  ['is one of SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
])('a server that %s has not answered', async (_, answer) => {
  const url = await serveRaw(answer);
  await expect(send(host, { method: 'GET', url, timeoutMs: 5_000 })).rejects.toMatchObject({
    kind: 'network',
    message: `Cannot reach ${url}: it does not speak HTTP`,
  });
});

test('a server without TLS is said to be one', async () => {
  const url = (await serve((_request, response) => response.end())).replace('http:', 'https:');
  await expect(send(host, { method: 'GET', url })).rejects.toMatchObject({
    kind: 'network',
    message: `Cannot reach ${url}: it does not speak TLS`,
  });
});

test('a redirect is an answer, and nobody goes where it leads', async () => {
  const asked: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url);
    response.writeHead(302, { location: '/elsewhere' }).end('moved');
  });
  const { status, headers, text } = await send(host, { method: 'GET', url: `${url}/here` });
  expect([status, headers['location'], text]).toEqual([302, '/elsewhere', 'moved']);
  expect(asked).toEqual(['/here']);
});

test('an answer is counted as it is sent, packed or not', async () => {
  const packed = gzipSync('a'.repeat(100_000));
  let accepted: string | undefined = 'not asked';
  const url = await serve((request, response) => {
    accepted = String(request.headers['accept-encoding'] ?? 'identity');
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
  });
  const { bytes } = await send(host, { method: 'GET', url, maxBytes: packed.length });
  expect(bytes.equals(packed)).toBe(true);
  expect(accepted).toBe('identity');
});

test('an answer that is too large is broken off', async () => {
  let closed = () => {};
  const broken = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const url = await serve((request, response) => {
    request.socket.on('close', closed);
    const more = () => {
      while (response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more);
    more();
  });
  await expect(send(host, { method: 'GET', url, maxBytes: 1_000_000 })).rejects.toMatchObject({
    code: 'api.too-large',
  });
  await broken;
});

test('an interruption ends a request, and its reason is what is told', async () => {
  const controller = new AbortController();
  const url = await serve(() => controller.abort(new Error('enough')));
  await expect(send(host, { method: 'GET', url, signal: controller.signal })).rejects.toThrow('enough');
});

test.each([
  ['nothing is listening there', (server: Server) => server.close()],
  ['the connection was cut', (server: Server) => void server.on('connection', (socket) => socket.resetAndDestroy())],
])('%s', async (why, break_) => {
  const url = await serve(() => {});
  break_(server);
  await expect(send(host, { method: 'GET', url })).rejects.toMatchObject({
    kind: 'network',
    message: `Cannot reach ${url}: ${why}`,
  });
});

test('an answer that ends in the middle is no answer', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half');
    setTimeout(() => response.destroy(), 20);
  });
  await expect(send(host, { method: 'GET', url })).rejects.toMatchObject({ kind: 'network' });
});

test('a server that accepts no connection is given up before one that is slow', async () => {
  // A queue of connections that nobody takes from, and that is full.
  const full = spawn('node', ['-e', fullQueue], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void full.kill('SIGKILL'));
  const [port] = (await once(full.stdout, 'data')) as [Buffer];
  full.kill('SIGSTOP');
  host = fakeHost();
  const url = `http://127.0.0.1:${String(port).trim()}`;
  const waiting = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
  onTestFinished(() => waiting.forEach((socket) => void socket.destroy()));
  await wait(300);
  await expect(send(host, { method: 'GET', url, timeoutMs: 30_000 })).rejects.toMatchObject({
    message: `Cannot reach ${url}: it did not accept a connection in time`,
  });
}, 20_000);

const fullQueue = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;
