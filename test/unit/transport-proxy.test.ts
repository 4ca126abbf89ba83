// Requests where a proxy is configured, through one that is really there.

import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { closeTransport, send } from '../../src/api/transport.ts';
import { type FakeHost, fakeHost } from '../support/fake-host.ts';

const open: Server[] = [];
let host: FakeHost;

afterEach(async () => {
  await closeTransport(host);
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** A proxy that leads every name to one port of this machine, and remembers what it was asked for. */
async function proxyTo(port: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((_request, response) => response.writeHead(500).end('only tunnels'));
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    for (const one of [socket, target]) one.on('error', () => one.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(proxy)}`, asked };
}

test('a name elsewhere is reached through the proxy, this machine directly, NO_PROXY as it says', async () => {
  const port = await listen(createServer((request, response) => response.end(`to ${request.headers.host}`)));
  const proxy = await proxyTo(port);
  host = fakeHost({ env: { HTTP_PROXY: proxy.url, NO_PROXY: 'direct.invalid' } });
  const far = await send(host, { method: 'GET', url: `http://platform.invalid:${port}/` });
  expect(far).toMatchObject({ status: 200, text: `to platform.invalid:${port}` });
  expect(proxy.asked).toEqual([`CONNECT platform.invalid:${port}`]);
  for (const name of ['127.0.0.1', 'localhost']) {
    expect((await send(host, { method: 'GET', url: `http://${name}:${port}/` })).status).toBe(200);
  }
  await expect(send(host, { method: 'GET', url: `http://direct.invalid:${port}/` })).rejects.toThrow('not known');
  expect(proxy.asked).toHaveLength(1);
});

test('NO_PROXY of a star means no proxy at all', async () => {
  const proxy = await proxyTo(1);
  host = fakeHost({ env: { HTTP_PROXY: proxy.url, NO_PROXY: '*' } });
  await expect(send(host, { method: 'GET', url: 'http://platform.invalid/' })).rejects.toThrow('not known');
  expect(proxy.asked).toEqual([]);
});

test('no proxy hears what a cloud hands out to its machine', async () => {
  const proxy = await proxyTo(1);
  host = fakeHost({ env: { HTTP_PROXY: proxy.url, NO_PROXY: 'direct.invalid' } });
  const addresses = [
    'metadata.google.internal',
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '[fd00:ec2::254]',
  ];
  const asked = addresses.map((name) => send(host, { method: 'GET', url: `http://${name}/`, timeoutMs: 300 }));
  // Nobody may answer here; whoever does is not the proxy.
  await Promise.allSettled(asked);
  expect(proxy.asked).toEqual([]);
});
