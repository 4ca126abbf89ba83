import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { demoOrganizations } from '../support/ids.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';
import { stubServer } from '../support/stub-server.ts';

const here = '--parent=example.com';
const list = ['events', 'deliveries', 'list'];

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A sink that takes everything, and ids of the events it took. Tokens are checked elsewhere: this clock stands still. */
async function withSink() {
  const session = await signedIn();
  const taken: string[] = [];
  const server = createServer((request, response) => {
    taken.push(String(request.headers['ce-id']));
    request.resume().once('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const sink = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const made = await session.run(['events', 'subscriptions', 'create', sink, here, '-y', '-oid']);
  // Its own creation is the first event it may get.
  return { ...session, sink, taken, subscription: made.out.trim() };
}

const newFolder = ({ run }: SignedIn, name: string) =>
  run(['iam', 'groups', 'create', name, here, '-y']).then((made) => expect(made.code, made.err).toBe(0));

const groupEvents = ['--output=json', here];

/** Deliveries of the folder's creation. */
async function ofFolder({ run }: SignedIn) {
  const { items } = JSON.parse((await run([...list, ...groupEvents])).out);
  return items.filter((item: { event: { type: string } }) => item.event.type.endsWith('.iam.group.created.v1'));
}

test('what arrived is listed with its answer, filtered by state and subscription, and can be delivered once more', async () => {
  const world = await withSink();
  const { run, taken, sink, subscription } = world;
  await newFolder(world, 'first');
  await expect.poll(async () => (await ofFolder(world))[0]?.state, { timeout: 10_000 }).toBe('delivered');
  const [delivery] = await ofFolder(world);
  expect(delivery).toMatchObject({ subscription, sink, tries: 1, attempts: [{ number: 1, status: 204 }] });

  const table = (await run([...list, here])).out;
  expect(table.split('\n')[0]).toMatch(/^ +ID +\| +EVENT +\| +STATE +\| +TRIES +\| +ANSWER +\| +SINK +\| +CREATED/);
  expect(table).toMatch(/ dev\.chainguard\.api\.iam\.group\.created\.v1 +\| delivered \| +1 \| 204 +\| http:/);
  const ids = async (...flags: string[]) => (await run([...list, '-oid', ...flags])).out.trim().split('\n');
  expect(await ids(`--subscription=${subscription}`)).toContain(delivery.id);
  expect(await ids(here, '--state=dead')).toEqual(['']);

  const again = await run(['events', 'deliveries', 'redeliver', delivery.id, '-ojson']);
  expect(again.code, again.err).toBe(0);
  expect(JSON.parse(again.out)).toMatchObject({ id: delivery.id, state: 'pending' });
  await expect.poll(() => taken.filter((id) => id === delivery.event.id).length, { timeout: 10_000 }).toBe(2);
});

test('one is picked from the newest; a stranger sees and moves nothing', async () => {
  const world = await withSink();
  await newFolder(world, 'first');
  await expect.poll(async () => (await ofFolder(world))[0]?.state, { timeout: 10_000 }).toBe('delivered');
  const [delivery] = await ofFolder(world);
  const picked = await world.run(['events', 'deliveries', 'redeliver', here, '-oid'], {
    tty: true,
    answers: [delivery.id],
  });
  expect(picked.out, picked.err).toBe(`${delivery.id}\n`);
  expect(picked.err).toContain('Selected delivery dev.chainguard.api.iam.group.created.v1 delivered.');
  const guest = world.as('guest@example.com');
  const refused = await guest(['events', 'deliveries', 'redeliver', delivery.id]);
  expect(refused).toMatchObject({ code: 1, out: '' });
});

test('what is no number and what is not there', async () => {
  const { run } = await signedIn();
  expect((await run(['events', 'deliveries', 'redeliver', 'abc'])).err).toContain('must be the number of a delivery');
  const gone = await run(['events', 'deliveries', 'redeliver', '99']);
  expect(gone.code).toBe(1);
  expect(gone.err).toContain('error: Delivery 99 not found');
});

test('half an answer is the fault of whoever gave it', async () => {
  const { run } = await signedIn();
  const server = await stubServer();
  server.expect('POST /local/v1/events/deliveries/7:redeliver', { body: '{"id":"7"' });
  const { code, err } = await run(['events', 'deliveries', 'redeliver', '7'], {
    env: { CHAINGUARD_PLATFORM_API: server.url },
  });
  expect(code).toBe(1);
  expect(err).toContain(`error: ${server.url} did not answer like the Chainguard API\n`);
});

test('a stream that is one line without end is given up before it fills the memory', async () => {
  const { run } = await signedIn();
  const server = await stubServer();
  const stream = `GET /local/v1/events:listen?group=${demoOrganizations.private}`;
  server.expect(stream, { body: ' '.repeat(6 * 1024 * 1024) });
  const { code, err } = await run(['events', 'listen', `--parent=${demoOrganizations.private}`], {
    env: { CHAINGUARD_PLATFORM_API: server.url },
  });
  expect(code).toBe(1);
  expect(err).toContain(`error: ${server.url} did not answer like the Chainguard API\n`);
});
