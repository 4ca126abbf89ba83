// Requests to a server that is really there; failures on the way are in test/e2e/platform-faults.test.ts.

import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
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

test('a header that comes twice is two values, as challenges do', async () => {
  const url = await serve((_request, response) =>
    response.writeHead(401, ['WWW-Authenticate', 'Basic realm="a"', 'WWW-Authenticate', 'Bearer realm="b"']).end(),
  );
  const { status, headers } = await send(host, { method: 'GET', url });
  expect(status).toBe(401);
  expect(headers['www-authenticate']).toEqual(['Basic realm="a"', 'Bearer realm="b"']);
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

test('a server that switches to another protocol has not answered', async () => {
  const url = await serve(() => {});
  server.on('connection', (socket) => {
    socket.removeAllListeners('data').once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n');
    });
  });
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
