import { expect, test } from 'vitest';
import { checkAddress, parseSink, sinkLookup } from '../../src/local/events/sink-rules.ts';
import { demoFolders, dev, guest, organization } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';

const { engineering, sandbox } = demoFolders;

async function start() {
  const platform = await startTestPlatform();
  const token = await platform.token(dev);
  const create = (parent: string, sink: unknown, by = token) =>
    platform.call(by, 'POST', `/events/v1/subscriptions/${parent}`, { body: { sink } });
  return { platform, token, create };
}

test('subscriptions are made, listed and removed where the caller may', async () => {
  const { platform, token, create } = await start();
  const one = await create(organization, 'https://hooks.example.com/cg');
  expect(one.body).toEqual({
    id: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
    sink: 'https://hooks.example.com/cg',
  });
  const two = (await create(engineering, 'http://localhost:8080/x?y=1')).body;
  const list = async (by: string, query = '') =>
    (await platform.call(by, 'GET', `/events/v1/subscriptions${query}`)).body;
  expect(await list(token)).toEqual({ items: [one.body, two].sort((a, b) => (a.id < b.id ? -1 : 1)) });
  expect(await list(token, `?uidp.children_of=${engineering}`)).toEqual({ items: [two] });
  expect(await list(token, `?id=${one.body.id}`)).toEqual({ items: [one.body] });

  const reader = await platform.token(guest);
  expect((await list(reader)).items).toHaveLength(2);
  expect((await create(organization, 'https://hooks.example.com/', reader)).status).toBe(403);
  const stranger = await platform.token(platform.user('stranger@example.com'));
  expect(await list(stranger)).toEqual({ items: [] });
  expect((await create(organization, 'https://hooks.example.com/', stranger)).status).toBe(404);
  expect((await create(`${organization}/0000000000000000`, 'https://hooks.example.com/')).status).toBe(404);

  const remove = (id: string, by = token) => platform.call(by, 'DELETE', `/events/v1/subscriptions/${id}`);
  expect((await remove(two.id, reader)).status).toBe(403);
  expect((await remove(two.id)).body).toEqual({});
  expect((await remove(two.id)).status).toBe(404);
  const subscription = 'dev.chainguard.api.events.subscription';
  expect(platform.events()).toEqual([
    { type: `${subscription}.created.v1`, subject: one.body.id },
    { type: `${subscription}.created.v1`, subject: two.id },
    { type: `${subscription}.deleted.v1`, subject: two.id },
  ]);
  // The answer and the specification agree that the id is the body of the deletion (semantics 12).
  const row = platform.store.read((tx) => tx.get("SELECT body FROM outbox WHERE type LIKE '%deleted%'"));
  expect(row).toEqual({ body: JSON.stringify({ id: two.id }) });
});

test('a group with a subscription is not empty', async () => {
  const { platform, token, create } = await start();
  const { id } = (await create(sandbox, 'https://hooks.example.com/')).body;
  const kept = await platform.call(token, 'DELETE', `/iam/v1/groups/${sandbox}`);
  expect(kept.body.message).toContain('1 × subscription');
  await platform.call(token, 'DELETE', `/events/v1/subscriptions/${id}`);
  expect((await platform.call(token, 'DELETE', `/iam/v1/groups/${sandbox}`)).status).toBe(200);
});

test('sinks: https anywhere, http on this machine, nothing where credentials are handed out', async () => {
  const { platform, create } = await start();
  const refused = [
    undefined,
    '',
    'hooks.example.com',
    'ftp://hooks.example.com/',
    'http://hooks.example.com/',
    'http://192.168.1.2/',
    'http://0.0.0.0:8080/',
    'https://user:secret@hooks.example.com/',
    'https://hooks.example.com/#part',
    'https://169.254.169.254/latest/meta-data',
    'https://0xa9.0xfe.0xa9.0xfe/',
    'https://2852039166/',
    'https://[::ffff:169.254.169.254]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[2002:a9fe:a9fe::]/',
    'https://[::ffff:0:169.254.169.254]/',
    'https://192.0.0.192/opc/v2/',
    'https://[fe80::1]/',
    'https://[fd00:ec2::254]/',
    'https://metadata.google.internal/',
    'https://METADATA.google.internal./',
    'https://224.0.0.1/',
    'http://[::ffff:10.0.0.1]/',
    `${platform.urls.api}/iam/v1/groups`,
    `https://hooks.example.com/${'x'.repeat(3000)}`,
  ];
  for (const sink of refused) {
    const answer = await create(organization, sink);
    expect([answer.status, answer.body.code], String(sink)).toEqual([400, 3]);
    expect(answer.body.message).toMatch(/^sink/);
    expect(answer.body.message).not.toMatch(/secret|user:/);
    expect(answer.body.message).not.toContain('internal error');
  }
  const fine = [
    'https://10.1.2.3/x',
    'http://127.0.0.1:9/',
    'http://[::1]:9/',
    'http://hook.localhost:9/',
    'https://[::1]:9/',
  ];
  for (const sink of fine) expect((await create(organization, sink)).status, sink).toBe(200);
});

test('a name is judged by what it resolves to', () => {
  const https = parseSink('https://hooks.example.com/');
  const local = parseSink('http://hook.localhost/');
  for (const address of ['169.254.1.1', '::ffff:169.254.169.254', 'fe80::1%eth0', '0.0.0.0', '100.100.100.200', '::']) {
    expect(() => checkAddress(https, address), address).toThrow(/where no events are sent/);
  }
  for (const address of ['93.184.216.34', '10.0.0.1', '2606:4700::1111', '127.0.0.1']) {
    expect(() => checkAddress(https, address), address).not.toThrow();
  }
  for (const address of ['93.184.216.34', '10.0.0.1', '::ffff:192.168.0.1', 'fe80::1']) {
    expect(() => checkAddress(local, address), address).toThrow();
  }
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    expect(() => checkAddress(local, address), address).not.toThrow();
  }
});

test('the address is judged where the connection is made', async () => {
  const lookup = (sink: string, host: string) =>
    new Promise((resolve) => {
      sinkLookup(parseSink(sink))(host, {}, (error, address) => resolve(error?.message ?? address));
    });
  // An address resolves to itself, so that this needs no name server.
  expect(await lookup('https://hooks.example.com/', '169.254.169.254')).toMatch(/leads to 169\.254\.169\.254/);
  expect(await lookup('https://hooks.example.com/', '192.0.2.7')).toBe('192.0.2.7');
  expect(await lookup('http://hook.localhost/', '192.0.2.7')).toMatch(/must be https/);
  expect(await lookup('http://hook.localhost/', 'localhost')).toMatch(/^(127\.|::1)/);
});
