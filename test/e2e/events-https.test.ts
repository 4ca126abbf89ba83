// Events to an https sink: delivered where its certificate is trusted, and where it is not, the delivery says so.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type Person, type RunningPlatform } from '../support/program.ts';

const world = createWorld();
const taken: string[] = [];
let certificate: string;
let sink: string;
let close: () => void = () => {};

beforeAll(async () => {
  const authority = world.person('authority');
  certificate = join(authority.home, 'certificate.pem');
  const key = authority.write('key.pem', '');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    taken.push(String(request.headers['ce-type']));
    request.resume().once('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sink = `https://localhost:${(server.address() as AddressInfo).port}/hook`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});

afterAll(() => close());

async function subscribed(platform: RunningPlatform): Promise<Person> {
  const person = world.person('subscriber', platform);
  const token = person.write('me.jwt', await person.ok('local', 'token', '--data-dir', platform.dataDir), 0o600);
  await person.ok('auth', 'login', '--identity-token', token);
  await person.ok('events', 'subscriptions', 'create', sink, '--parent=example.com', '-y');
  await person.ok('iam', 'groups', 'create', 'made', '--parent=example.com', '-y');
  return person;
}

const deliveries = async (person: Person) =>
  JSON.parse(await person.ok('events', 'deliveries', 'list', '--parent=example.com', '-ojson')).items.filter(
    (item: { event: { type: string } }) => item.event.type.endsWith('.iam.group.created.v1'),
  );

test('a certificate that the platform trusts', async () => {
  const platform = await world.startPlatform({ env: { NODE_EXTRA_CA_CERTS: certificate } });
  const person = await subscribed(platform);
  await expect.poll(() => taken, { timeout: 30_000 }).toContain('dev.chainguard.api.iam.group.created.v1');
  await expect.poll(async () => (await deliveries(person))[0]?.state, { timeout: 30_000 }).toBe('delivered');
});

test('whoever meets one that is not trusted is told what to do, and that helps', async () => {
  const person = world.person('behind-a-proxy');
  const token = person.write('me.jwt', 'a.b.c', 0o600);
  const login = ['auth', 'login', '--identity-token', token, '--issuer', new URL(sink).origin];
  const refused = await person.chainctl(login);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(`Cannot reach ${new URL(sink).origin}: its certificate is signed by itself`);
  expect(refused.err).toContain('in NODE_EXTRA_CA_CERTS');
  const reached = await person.chainctl(login, { env: { NODE_EXTRA_CA_CERTS: certificate } });
  expect(reached.err).not.toContain('Cannot reach');
});

test('one that it does not trust: no event reaches the sink, and the attempt says why', async () => {
  taken.length = 0;
  const platform = await world.startPlatform();
  const person = await subscribed(platform);
  await expect
    .poll(async () => (await deliveries(person))[0]?.attempts.at(-1)?.error ?? '', { timeout: 30_000 })
    .toMatch(/certificate/i);
  expect(taken).toEqual([]);
});
