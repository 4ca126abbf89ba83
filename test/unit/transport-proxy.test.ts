// Requests where a proxy is configured, through one that is really there.

import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { proxyFor } from '../../src/api/proxy.ts';
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
async function proxyTo(port: number): Promise<{ url: string; address: string; asked: string[] }> {
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
  const address = `127.0.0.1:${await listen(proxy)}`;
  return { url: `http://${address}`, address, asked };
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

test('what runs the program does not follow the variables by rules of its own', async () => {
  const port = await listen(createServer((_request, response) => response.end('there')));
  const proxy = await proxyTo(1);
  const before = process.env['HTTP_PROXY'];
  process.env['HTTP_PROXY'] = proxy.url;
  onTestFinished(() => {
    if (before === undefined) delete process.env['HTTP_PROXY'];
    else process.env['HTTP_PROXY'] = before;
  });
  // Bun reads the process's own variables, and asks the proxy for addresses of this machine too.
  host = fakeHost({ env: process.env });
  expect(await send(host, { method: 'GET', url: `http://127.0.0.1:${port}/` })).toMatchObject({ text: 'there' });
  expect(proxy.asked).toEqual([]);
  expect(process.env['HTTP_PROXY']).toBe(proxy.url);
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

test('the scheme of the proxy may be left out, as for curl', async () => {
  const port = await listen(createServer((_request, response) => response.end('there')));
  const proxy = await proxyTo(port);
  host = fakeHost({ env: { http_proxy: proxy.address } });
  expect(await send(host, { method: 'GET', url: 'http://platform.invalid/' })).toMatchObject({ text: 'there' });
  expect(proxy.asked).toEqual(['CONNECT platform.invalid:80']);
});

test('a proxy that is not there is named, and its password is not', async () => {
  const port = await listen(createServer());
  await new Promise((resolve) => open.pop()?.close(resolve));
  host = fakeHost({ env: { HTTPS_PROXY: `http://user:secret@127.0.0.1:${port}` } });
  await expect(send(host, { method: 'GET', url: 'https://platform.invalid/' })).rejects.toMatchObject({
    message: `Cannot reach https://platform.invalid through the proxy 127.0.0.1:${port}: nothing is listening there`,
    hint: 'check the network, HTTPS_PROXY and NO_PROXY',
  });
});

test.each([
  [407, 'it wants a user and a password'],
  [403, 'it does not lead there'],
  [502, 'it refuses with status 502'],
])('a proxy that answers %i says why', async (status, why) => {
  const proxy = createServer();
  proxy.on('connect', (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
  host = fakeHost({ env: { HTTPS_PROXY: `127.0.0.1:${await listen(proxy)}` } });
  await expect(send(host, { method: 'GET', url: 'https://platform.invalid/' })).rejects.toThrow(`: ${why}`);
});

test('a variable that is no address of a proxy is named', async () => {
  host = fakeHost({ env: { HTTPS_PROXY: 'http://user:secret@not a host' } });
  await expect(send(host, { method: 'GET', url: 'https://platform.invalid/' })).rejects.toMatchObject({
    message: 'HTTPS_PROXY is not the address of a proxy',
    kind: 'usage',
  });
});

test('each scheme has its own variable', () => {
  const proxy = { HTTP_PROXY: 'http://proxy.example:3128' };
  expect(proxyFor(proxy, new URL('http://cgr.dev'))?.host).toBe('proxy.example:3128');
  expect(proxyFor(proxy, new URL('https://cgr.dev'))).toBeUndefined();
  expect(proxyFor({ https_proxy: 'http://proxy.example:3128' }, new URL('http://cgr.dev'))).toBeUndefined();
});

test.each([
  ['chainguard.dev', 'https://chainguard.dev', true],
  ['chainguard.dev', 'https://console.chainguard.dev', true],
  ['chainguard.dev', 'https://notchainguard.dev', false],
  ['.chainguard.dev', 'https://console.chainguard.dev', true],
  ['.chainguard.dev', 'https://chainguard.dev', false],
  ['*.chainguard.dev', 'https://console.chainguard.dev', true],
  ['a.example other.example, CGR.dev', 'https://cgr.dev', true],
  ['cgr.dev:443', 'https://cgr.dev', true],
  ['cgr.dev:8443', 'https://cgr.dev', false],
  ['10.0.0.0/8', 'https://10.1.2.3', true],
  ['10.0.0.0/8', 'https://11.1.2.3', false],
  ['fd00::/8', 'https://[fd00::1]:8443', true],
  ['[fd00::1]:8443', 'https://[fd00::1]:8443', true],
  ['0.0.1', 'https://10.0.0.1', false],
  ['*', 'https://cgr.dev', true],
  ['', 'http://127.1.2.3:8080', true],
  ['', 'http://[::1]:8080', true],
  ['', 'https://cgr.dev', false],
])('NO_PROXY=%s asks %s directly: %s', (noProxy, address, isDirect) => {
  const env = { HTTPS_PROXY: 'http://proxy.example:3128', HTTP_PROXY: 'http://proxy.example:3128', NO_PROXY: noProxy };
  host = fakeHost({ env });
  expect(proxyFor(env, new URL(address)) === undefined).toBe(isDirect);
});

test('a SOCKS proxy is told the name', async () => {
  const port = await listen(createServer((request, response) => response.end(`to ${request.headers.host}`)));
  const asked: string[] = [];
  const socks = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    // No authentication (RFC 1928), then the name after its length, then the tunnel.
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0));
      socket.once('data', (request) => {
        asked.push(request.subarray(5, 5 + (request[4] ?? 0)).toString());
        const target = connect(port, '127.0.0.1', () => {
          socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          socket.pipe(target).pipe(socket);
        });
        target.on('error', () => target.destroy());
      });
    });
  });
  await new Promise<void>((resolve) => socks.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void socks.close());
  const address = socks.address();
  host = fakeHost({ env: { HTTP_PROXY: `socks5://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` } });
  const url = 'http://platform.invalid/';
  expect(await send(host, { method: 'GET', url, timeoutMs: 5_000 })).toMatchObject({ text: 'to platform.invalid' });
  expect(asked).toEqual(['platform.invalid']);
});
