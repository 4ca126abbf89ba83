// A platform behind TLS whose certificate comes from a company's own authority, as where traffic is looked into.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type Person, type RunningPlatform, signIn } from '../support/program.ts';

const world = createWorld();
const servers: (Server | http.Server)[] = [];
let authority: string;
let person: Person;
let words: string[];

beforeAll(async () => {
  const platform = await world.startPlatform();
  person = world.person('somebody', platform);
  await signIn(person, platform);
  const port = await listen(createServer(certificate(), leadTo(platform)));
  words = ['iam', 'organizations', 'list', '--api', `https://localhost:${port}`, '--audience', platform.api, '-oid'];
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server | http.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** One for `localhost` and a name elsewhere, by an authority that is made for it. */
function certificate(): { key: Buffer; cert: Buffer } {
  const owner = world.person('authority');
  for (const name of ['ca.key', 'server.key']) owner.write(name, '');
  const { home } = owner;
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: home, stdio: 'ignore' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...curve, '-days', '2', '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl(
    ...[
      'req',
      '-x509',
      ...curve,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,DNS:platform.invalid',
    ],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', 'server.key', '-out', 'server.pem'],
  );
  authority = join(home, 'ca.pem');
  return { key: readFileSync(join(home, 'server.key')), cert: readFileSync(join(home, 'server.pem')) };
}

function leadTo(platform: RunningPlatform): http.RequestListener {
  return (incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', platform.api);
    const headers = { ...incoming.headers, host: url.host };
    const onward = http.request(url, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  };
}

test.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('%s names the authority', async (variable) => {
  const run = await person.chainctl(words, { env: { [variable]: authority } });
  expect(run).toMatchObject({ code: 0, err: '' });
  expect(run.out).toMatch(/^[0-9a-f]{40}\n$/);
});

test('behind a proxy as well', async () => {
  const asked: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (incoming, socket) => {
    asked.push(incoming.url ?? '');
    const target = connect(Number(incoming.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    for (const one of [socket, target]) one.on('error', () => one.destroy());
  });
  const env = { SSL_CERT_FILE: authority, HTTPS_PROXY: `127.0.0.1:${await listen(proxy)}` };
  // This machine itself is never asked by way of a proxy, so it goes by a name that only the proxy knows.
  const far = words.map((word) => word.replace('https://localhost', 'https://platform.invalid'));
  const run = await person.chainctl(far, { env });
  expect(run).toMatchObject({ code: 0, err: '' });
  expect(asked).not.toEqual([]);
  expect(asked.every((one) => one.startsWith('platform.invalid:'))).toBe(true);
});

test('an authority that nobody named is not trusted, which is said at once', async () => {
  const run = await person.chainctl(words, { env: { SSL_CERT_FILE: undefined } });
  expect(run).toMatchObject({ code: 1, out: '' });
  expect(run.err).toMatch(
    /^error: Cannot reach https:\/\/localhost:\d+: its certificate is from an authority that is not trusted here\nhint: .*SSL_CERT_FILE\n$/,
  );
});
