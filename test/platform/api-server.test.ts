import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isOwnHost } from '../../src/local/http/host-check.ts';
import { type RequestLogEntry, startServer } from '../../src/local/http/server.ts';
import { PlatformBusyError, startPlatform } from '../../src/local/platform.ts';
import { findPlatform } from '../../src/local/platform-file.ts';
import { loadDriver, NewerStoreError } from '../../src/local/store/database.ts';
import { isFolderLocked } from '../../src/local/store/folder-lock.ts';
import { demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, temporaryFolder } from '../support/platform.ts';

const dev = personId('dev@example.com');

/** Sends bytes as they are and gives back everything that came. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

test.each([
  ['127.0.0.1:80', '127.0.0.1', true],
  ['localhost:80', '127.0.0.1', true],
  ['console-api.localhost:80', '127.0.0.1', true],
  ['LOCALHOST', '127.0.0.1', true],
  ['[::1]:80', '127.0.0.1', true],
  ['127.8.9.1:80', '127.0.0.1', true],
  ['localhost:81', '127.0.0.1', false],
  ['evil.example:80', '127.0.0.1', false],
  ['localhost.evil.example:80', '127.0.0.1', false],
  ['127.0.0.1.evil.example:80', '127.0.0.1', false],
  ['192.0.2.7:80', '127.0.0.1', false],
  ['localhost:80@evil.example', '127.0.0.1', false],
  ['', '127.0.0.1', false],
  [undefined, '127.0.0.1', false],
  ['build.internal:80', 'build.internal', true],
  ['192.0.2.7:80', '0.0.0.0', true],
  ['[2001:db8::7]:80', '::', true],
  ['evil.example:80', '0.0.0.0', false],
])('the host header %s on a platform listening on %s: %s', (header, listenHost, own) => {
  expect(isOwnHost(header, listenHost, 80)).toBe(own);
});

test('a foreign host name gets nothing, whatever the path', async () => {
  const platform = await startTestPlatform();
  const port = portOf(platform.urls.api);
  for (const path of ['/', '/console', '/v2/', '/oauth', '/iam/v1/groups', '/.well-known/openid-configuration']) {
    const answer = await raw(port, `GET ${path} HTTP/1.1\r\nHost: evil.example:${port}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).toContain('"code":7');
  }
});

test('malformed requests end neither the platform nor other connections', async () => {
  const platform = await startTestPlatform();
  const port = portOf(platform.urls.api);
  const host = `Host: 127.0.0.1:${port}`;
  const requests = [
    'nonsense\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    `GET http://evil.example/ HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    `GET //evil.example/%zz HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    `GET /iam/v1/groups/%ff%fe HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    `OPTIONS * HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    `POST /iam/v1/groups HTTP/1.1\r\n${host}\r\nContent-Length: 10\r\n\r\n{}`,
    `GET / HTTP/1.1\r\n${host}\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`,
    `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n\r\n`,
  ];
  for (const text of requests) {
    const answer = await raw(port, text).catch(() => '');
    expect(
      answer === '' || /^HTTP\/1\.1 (4\d\d|501) /.test(answer),
      `${text.slice(0, 40)} → ${answer.slice(0, 80)}`,
    ).toBe(true);
  }
  expect((await platform.call(await platform.token(dev), 'GET', '/iam/v1/groups')).status).toBe(200);
  expect(platform.log.filter(({ error }) => error !== undefined)).toEqual([]);
});

test('where gRPC cannot be served, its connections end, the log says why, and the server stops in good order', async () => {
  const log: RequestLogEntry[] = [];
  const server = await startServer({ host: '127.0.0.1', ports: [0], now: () => 0, log: (line) => log.push(line) });
  let tries = 0;
  server.serve({
    http1: [],
    http2: async () => {
      tries += 1;
      throw new Error('no gRPC here');
    },
  });
  for (const expected of [1, 2]) {
    expect(await raw(server.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').catch(() => '')).toBe('');
    expect(tries).toBe(expected);
  }
  expect(log.map(({ error }) => error?.split('\n')[0])).toEqual(['Error: no gRPC here', 'Error: no gRPC here']);
  await server.stop();
});

test.each([
  ['a migration', "INSERT INTO migrations (name) VALUES ('999-from-the-future')"],
  ['a version', 'PRAGMA user_version = 7'],
])('a folder that a newer version wrote, known by %s, is refused and left as it is', async (_, sql) => {
  const dataDir = temporaryFolder();
  const first = await startPlatform({ dataDir, seed: 'empty' });
  await first.stop();
  const path = join(dataDir, 'platform.db');
  const handle = new (loadDriver())(path);
  handle.exec(sql);
  handle.close();
  const before = readFileSync(path);
  await expect(startPlatform({ dataDir, seed: 'demo' })).rejects.toThrow(NewerStoreError);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(isFolderLocked(dataDir)).toBe(false);
});

test('a client that goes away in the middle of its body is no defect', async () => {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  const headers = { authorization: token, 'content-length': 100, expect: '100-continue' };
  const options = { method: 'POST', headers };
  const call = request(`${platform.urls.api}/iam/v1/groups/${demoOrganizations.private}`, options);
  call.on('error', () => {});
  call.flushHeaders();
  // Said when the body is about to be read.
  await once(call, 'continue');
  call.write('{"name":', () => call.destroy());
  await expect.poll(() => platform.log.at(-1)).toMatchObject({ status: 499, operation: 'iam.v1.Groups.Create' });
  expect(platform.log.at(-1)?.error).toBeUndefined();
});

test('the log names the call and the caller, and no query, token or body', async () => {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  await platform.call(token, 'GET', '/iam/v1/groups?name=private');
  await platform.call(undefined, 'GET', '/nothing/here?token=secret');
  expect(platform.log).toEqual([
    {
      time: Date.parse('2026-03-27T13:55:00.785Z'),
      method: 'GET',
      path: '/iam/v1/groups',
      status: 200,
      ms: expect.any(Number),
      identity: dev,
      operation: 'iam.v1.Groups.List',
    },
    { time: expect.any(Number), method: 'GET', path: '/nothing/here', status: 404, ms: expect.any(Number) },
  ]);
});

test('an exception nobody foresaw is 500 without its text, which is in the log', async () => {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  platform.store.transact((tx) => tx.run("UPDATE groups SET resource_limits = 'broken'"));
  const answer = await platform.call(token, 'GET', '/iam/v1/groups');
  expect([answer.status, answer.body]).toEqual([500, { code: 13, message: 'internal error', details: [] }]);
  expect(platform.log.at(-1)?.error).toMatch(/SyntaxError.*\n +at /s);
});

test('a full disk is said in one sentence, and what was refused has changed nothing', async () => {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  const pages = (count: string) =>
    platform.store.read((tx) => tx.get(`PRAGMA max_page_count = ${count}`)?.['max_page_count']);
  const count = platform.store.read((tx) => tx.get('PRAGMA page_count')?.['page_count']);
  pages(String(count));
  const create = (name: string) =>
    platform.call(token, 'POST', `/iam/v1/groups/${demoOrganizations.private}`, {
      body: { name, description: 'x'.repeat(512) },
    });
  const answers = [];
  for (let index = 0; index < 40; index += 1) answers.push(await create(`folder-${index}`));
  const made = answers.filter(({ status }) => status === 200).length;
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.body).toEqual({ code: 13, message: 'the platform cannot write: its disk is full', details: [] });
  pages('1000000');
  expect((await create('afterwards')).status).toBe(200);
  const listed = await platform.call(token, 'GET', '/iam/v1/groups');
  expect(listed.body.items).toHaveLength(4 + made + 1);
  expect(platform.events()).toHaveLength(made + 1);
});

test('what a user deletes of the demo stays deleted', async () => {
  const first = await startTestPlatform({ seed: 'demo' });
  const path = `/iam/v1/groups/${demoFolders.sandbox}`;
  expect((await first.call(await first.token(dev), 'DELETE', path)).status).toBe(200);
  await first.stop();
  const second = await startTestPlatform({ seed: 'demo', dataDir: first.dataDir });
  expect((await second.call(await second.token(dev), 'GET', '/iam/v1/groups')).body.items).toHaveLength(3);
});

test('the root leads to the console, which asks who you are', async () => {
  const platform = await startTestPlatform();
  const root = await platform.call(undefined, 'GET', '/');
  expect([root.status, root.headers.get('location')]).toEqual([302, '/console']);
  const page = await platform.call(undefined, 'GET', '/console');
  expect(page.status).toBe(303);
  const signIn = await platform.call(undefined, 'GET', page.headers.get('location') ?? '');
  expect([signIn.status, signIn.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(signIn.body).toContain('You go on to the <strong>console</strong> of this platform.');
  expect((await platform.call(undefined, 'PUT', '/console')).status).toBe(405);
});

test('a second start on the folder is refused and harms nothing; after a stop it works, on the same port', async () => {
  const first = await startTestPlatform();
  const { dataDir } = first;
  await expect(startPlatform({ dataDir, seed: 'empty' })).rejects.toThrow(PlatformBusyError);
  expect((await first.call(await first.token(dev), 'GET', '/iam/v1/groups')).status).toBe(200);
  expect(isFolderLocked(dataDir)).toBe(true);
  expect(findPlatform(dataDir)).toEqual({ ...first.urls, dataDir, pid: process.pid });

  await first.stop();
  expect(isFolderLocked(dataDir)).toBe(false);
  expect(findPlatform(dataDir)).toBeUndefined();
  expect(existsSync(join(dataDir, 'platform.json'))).toBe(false);

  const second = await startTestPlatform({ dataDir });
  expect(second.urls).toEqual(first.urls);
  expect((await second.call(await second.token(dev), 'GET', '/iam/v1/groups')).body.items).toHaveLength(4);
});

test('when its port is taken meanwhile, another is chosen', async () => {
  const first = await startTestPlatform({ seed: 'empty' });
  await first.stop();
  const intruder = await startPlatform({
    dataDir: temporaryFolder(),
    seed: 'empty',
    port: portOf(first.urls.api),
  });
  try {
    const second = await startTestPlatform({ seed: 'empty', dataDir: first.dataDir });
    expect(second.urls.api).not.toBe(first.urls.api);
    await expect(
      startPlatform({ dataDir: temporaryFolder(), seed: 'empty', port: portOf(first.urls.api) }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  } finally {
    await intruder.stop();
  }
});

test('a start that fails leaves the folder free', async () => {
  const dataDir = temporaryFolder();
  await expect(startPlatform({ dataDir, seed: 'empty', host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
  });
  expect(isFolderLocked(dataDir)).toBe(false);
  const platform = await startTestPlatform({ dataDir, seed: 'empty' });
  expect(platform.urls.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test.skipIf(process.platform === 'win32')('everything on disk is the user’s alone', async () => {
  const dataDir = join(temporaryFolder(), 'new', 'deep');
  const platform = await startTestPlatform({ dataDir, seed: 'empty' });
  const mode = (path: string) => statSync(path).mode & 0o777;
  expect(mode(dataDir)).toBe(0o700);
  for (const name of ['platform.db', 'platform.db-wal', 'lock.db', 'platform.json']) {
    expect([name, mode(join(dataDir, name))]).toEqual([name, 0o600]);
  }
  expect(JSON.parse(readFileSync(join(dataDir, 'platform.json'), 'utf8'))).toMatchObject({ api: platform.urls.api });
});

test.skipIf(process.platform === 'win32')('a folder that holds other things keeps its mode', async () => {
  const dataDir = join(temporaryFolder(), 'shared');
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o755);
  writeFileSync(join(dataDir, 'notes.txt'), 'mine');
  await startTestPlatform({ dataDir, seed: 'empty' });
  expect(statSync(dataDir).mode & 0o777).toBe(0o755);
});

test('a request in progress is finished when the platform stops', async () => {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  const answer = new Promise<number | undefined>((resolve, reject) => {
    const call = request(
      `${platform.urls.api}/iam/v1/groups/${demoOrganizations.private}`,
      { method: 'POST', headers: { authorization: token, expect: '100-continue' } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    call.on('error', reject);
    call.flushHeaders();
    call.once('continue', () => {
      call.write('{"name":"late');
      void platform.stop();
      call.end('comer"}');
    });
  });
  expect(await answer).toBe(200);
  await platform.stop();
});
