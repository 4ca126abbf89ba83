import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { demoFolders, dev, guest, organization } from '../support/ids.ts';
import { startTestPlatform, type TestPlatformOptions, temporaryFolder } from '../support/platform.ts';
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts';
import { createClient } from './registry-client.ts';

const { engineering, platform: team, sandbox } = demoFolders;
/** Receivers check the time that tokens are good for. */
const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };
/** Waits longer for an answer than a busy machine keeps anybody waiting: a try that runs out is sent again. */
const quick = { retryDelays: [20, 40, 80, 160], timeoutMs: 60_000 };
/** For sinks that never answer. */
const impatient = { ...quick, timeoutMs: 300 };

const receivers: Receiver[] = [];
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
  for (const close of sinks.splice(0)) close();
});

const sinks: (() => void)[] = [];

/** A sink that answers as it likes. */
async function startSink(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sinks.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function start(options: TestPlatformOptions = {}) {
  const platform = await startTestPlatform({ clock, delivery: quick, ...options });
  const token = await platform.token(dev);
  const call = (method: string, path: string, body?: unknown) =>
    platform.call(token, method, path, body === undefined ? {} : { body });
  return {
    platform,
    token,
    call,
    async receive(group = organization): Promise<Receiver & { subscription: string }> {
      const receiver = await startReceiver(() => platform.urls.issuer, group);
      receivers.push(receiver);
      const { body } = await call('POST', `/events/v1/subscriptions/${group}`, { sink: receiver.url });
      return Object.assign(receiver, { subscription: body.id as string });
    },
    newGroup: async (parent: string, name: string): Promise<string> =>
      (await call('POST', `/iam/v1/groups/${parent}`, { name })).body.id,
    deliveries: async (query: string) => (await call('GET', `/local/v1/events/deliveries?${query}`)).body.items,
  };
}

const typesOf = (events: readonly Received[]) =>
  events.map((event) => event.attributes['type']?.replace('dev.chainguard.', ''));
const until = (check: () => void, timeout = 30_000) => expect.poll(check, { timeout, interval: 10 });

test('an event reaches a receiver that checks everything, in the words of the specification', async () => {
  const { platform, receive, newGroup } = await start();
  const receiver = await receive();
  const group = await newGroup(organization, 'backend');
  await until(() => receiver.events.length).toBe(2);
  expect(receiver.refused).toEqual([]);
  const event = receiver.events.find(({ attributes }) => attributes['subject'] === group);
  expect(event?.attributes).toEqual({
    specversion: '1.0',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    type: 'dev.chainguard.api.iam.group.created.v1',
    source: `${platform.urls.api}/iam/v1/groups`,
    subject: group,
    group,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    audience: 'customer',
    actor: dev,
    bodytype: 'chainguard.platform.iam.Group',
    chainguarddev1delivery: 'webhook',
    chainguarddev1subscription: receiver.subscription,
    chainguarddev1webhook: receiver.url,
  });
  expect(event?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'Chainguard Enforce',
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
  });
  expect(event?.data).toEqual({
    actor: { subject: dev, act: expect.objectContaining({ iss: expect.any(String) }) },
    body: { id: group, name: 'backend' },
  });
});

test('a subscription gets what happens in its group and below, from its own beginning on, and nothing internal', async () => {
  const { platform, call, receive, newGroup } = await start();
  await newGroup(organization, 'before');
  const all = await receive(organization);
  const some = await receive(engineering);
  await newGroup(team, 'deep');
  await newGroup(sandbox, 'elsewhere');
  const client = createClient(platform, dev);
  await client.pushImage('example.com/app', '1', 'layer');
  await client.request('GET', '/v2/example.com/app/manifests/1');
  await call('PATCH', '/iam/v1/identities/metadata', { name: 'Dev' });
  await until(() => typesOf(all.events).length).toBeGreaterThanOrEqual(9);
  await sleep(100);
  const own = 'api.events.subscription.created.v1';
  expect(typesOf(all.events).sort()).toEqual([
    own,
    own,
    'api.iam.group.created.v1',
    'api.iam.group.created.v1',
    'api.platform.registry.repo.created.v1',
    'registry.pull.v1',
    'registry.push.v1',
    'registry.push.v1',
    'registry.push.v1',
  ]);
  expect(typesOf(some.events).sort()).toEqual([own, 'api.iam.group.created.v1']);
  expect([...all.refused, ...some.refused]).toEqual([]);
  const pull = all.events.find(({ attributes }) => attributes['type'] === 'dev.chainguard.registry.pull.v1');
  expect(pull?.attributes).toMatchObject({ source: 'cgr.dev', group: organization });
  expect(pull?.data.body).toMatchObject({ repository: 'example.com/app', tag: '1', type: 'manifest', method: 'GET' });
});

test('what fails is tried again with growing pauses, and is a dead letter after five tries', async () => {
  const { receive, newGroup, deliveries } = await start();
  const receiver = await receive();
  await until(() => receiver.events.length).toBe(1);
  let left = 3;
  receiver.answer = () => (left-- > 0 ? 503 : undefined);
  const good = await newGroup(organization, 'flaky');
  await until(() => receiver.events.length).toBe(2);
  // The same event each time, under a fresh token.
  expect(receiver.requests).toBe(5);

  receiver.answer = () => 500;
  const bad = await newGroup(organization, 'lost');
  await until(async () => (await deliveries(`group=${organization}&state=dead`)).length).toBe(1);
  const [dead] = await deliveries(`group=${organization}&state=dead`);
  expect(dead).toMatchObject({
    state: 'dead',
    tries: 5,
    sink: receiver.url,
    subscription: receiver.subscription,
    event: { type: 'dev.chainguard.api.iam.group.created.v1', subject: bad },
  });
  expect(dead.attempts.map((attempt: { status: number; answer: string }) => [attempt.status, attempt.answer])).toEqual(
    Array.from({ length: 5 }, () => [500, 'answer 500']),
  );
  const times = dead.attempts.map((attempt: { startTime: string }) => Date.parse(attempt.startTime));
  const pauses = times.slice(1).map((time: number, index: number) => time - times[index]);
  for (const [index, pause] of pauses.entries())
    expect(pause).toBeGreaterThanOrEqual((quick.retryDelays[index] ?? 0) - 5);
  const [delivered] = (await deliveries(`subscription=${receiver.subscription}&state=delivered`)).filter(
    (item: { event: { subject: string } }) => item.event.subject === good,
  );
  expect(delivered.attempts.map((attempt: { status: number }) => attempt.status)).toEqual([503, 503, 503, 200]);
});

test('refusals and redirects are final; resets and overload are not', async () => {
  const { outcome } = await startRefusing();
  expect(await outcome(302, 'moved')).toEqual({ requests: 1, status: 302, error: undefined });
  expect(await outcome(307, 'moved with the body')).toEqual({ requests: 1, status: 307, error: undefined });
  expect(await outcome(403, 'forbidden')).toEqual({ requests: 1, status: 403, error: undefined });
  expect(await outcome(410, 'gone')).toEqual({ requests: 1, status: 410, error: undefined });
  expect((await outcome(429, 'slow down')).requests).toBe(5);
  expect((await outcome(408, 'late')).requests).toBe(5);
  expect(await outcome('drop', 'dropped')).toMatchObject({
    requests: 5,
    status: undefined,
    error: expect.stringContaining('socket'),
  });
});

test('silence is not final either', async () => {
  const { outcome } = await startRefusing({ delivery: impatient });
  expect(await outcome('hang', 'hung')).toMatchObject({ requests: 5, error: 'no answer within 0.3 s' });
});

/** A receiver that answers one new event as told. */
async function startRefusing(options: TestPlatformOptions = {}) {
  const { receive, newGroup, deliveries } = await start(options);
  const receiver = await receive();
  await until(async () => (await deliveries(`group=${organization}&state=delivered`)).length).toBe(1);
  const outcome = async (answer: number | 'hang' | 'drop', name: string) => {
    const before = receiver.requests;
    receiver.answer = () => answer;
    const subject = await newGroup(organization, name);
    const find = async () =>
      (await deliveries(`group=${organization}`)).find(
        (item: { event: { subject: string } }) => item.event.subject === subject,
      );
    await until(async () => (await find()).state).toBe('dead');
    const [attempt] = (await find()).attempts;
    return { requests: receiver.requests - before, status: attempt.status, error: attempt.error };
  };
  return { outcome };
}

test('a status is an answer, however slowly the rest of it comes, or if it never does', async () => {
  const { call, deliveries } = await start();
  const beginnings: Readonly<Record<string, string>> = {
    '/endless': '',
    '/half': 'thanks',
    '/short': 'thanks',
    '/null': 'a\0b',
  };
  for (const [path, beginning] of Object.entries(beginnings)) {
    let requests = 0;
    const sink = await startSink((response) => {
      requests += 1;
      response.writeHead(202, path === '/short' ? { 'content-length': 100 } : {});
      response.write(beginning === '' ? ' ' : beginning);
      if (path === '/null') response.end();
      if (path === '/short') response.socket?.end();
      if (path === '/endless') setInterval(() => response.write(' '), 50).unref();
    });
    const { body } = await call('POST', `/events/v1/subscriptions/${sandbox}`, { sink });
    const settled = async () => deliveries(`subscription=${body.id}`);
    await until(async () => (await settled()).map((one: { state: string }) => one.state)).toEqual(['delivered']);
    const [{ attempts }] = await settled();
    expect(attempts).toEqual([expect.objectContaining({ number: 1, status: 202 })]);
    expect(attempts[0].answer.trim()).toBe(beginning.replace('\0', '\ufffd'));
    expect(requests).toBe(1);
    await call('DELETE', `/events/v1/subscriptions/${body.id}`);
  }
});

test('a slow sink with several subscriptions has its time for each event', async () => {
  const { call, newGroup, deliveries } = await start({ delivery: { retryDelays: [20], timeoutMs: 4000 } });
  let requests = 0;
  const sink = await startSink((response) => {
    requests += 1;
    setTimeout(() => response.writeHead(200).end(), 1500);
  });
  const subscriptions: string[] = [];
  for (let count = 0; count < 3; count++) {
    subscriptions.push((await call('POST', `/events/v1/subscriptions/${sandbox}`, { sink })).body.id);
  }
  // So many that the last of them wait for longer than one has for its answer.
  for (let count = 0; count < 24; count++) await newGroup(sandbox, `group ${count}`);
  const all = async () =>
    (await Promise.all(subscriptions.map((id) => deliveries(`subscription=${id}&page_size=200`)))).flat();
  // Each subscription tells of itself and of those that came behind it.
  await until(async () => (await all()).filter(({ state }) => state === 'delivered').length).toBe(3 * 24 + 3 + 2 + 1);
  expect((await all()).filter(({ tries }) => tries !== 1)).toEqual([]);
  expect(requests).toBe(78);
});

test('sinks that hang keep nobody waiting but themselves', async () => {
  const { call, receive, newGroup } = await start({ delivery: { retryDelays: [20], timeoutMs: 60_000 } });
  const groups = await Promise.all(Array.from({ length: 9 }, (_, at) => newGroup(sandbox, `group ${at}`)));
  for (let count = 0; count < 6; count++) {
    const sink = await startSink(() => {});
    await call('POST', `/events/v1/subscriptions/${sandbox}`, { sink });
  }
  for (const [at, group] of groups.entries()) await call('PUT', `/iam/v1/groups/${group}`, { name: `renamed ${at}` });
  await sleep(200);
  const receiver = await receive();
  await newGroup(organization, 'prompt');
  // Long before the first of the others has had its time.
  await until(() => receiver.events.length).toBe(2);
});

test('many more subjects than are looked after at once all get there, first the ones that came first', async () => {
  const { platform, receive } = await start();
  const receiver = await receive();
  await until(() => receiver.events.length).toBe(1);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  // The first of each waits for a second try at the same time.
  let failures = 300;
  receiver.answer = () => (failures-- > 0 ? 500 : undefined);
  const subjects = Array.from({ length: 1500 }, (_, at) => `${organization}/${String(at).padStart(16, '0')}`);
  platform.store.transact((tx) => {
    for (const [at, subject] of [...subjects, ...subjects.slice(0, 50)].entries()) {
      tx.run(
        `INSERT INTO outbox (id, type, source, subject, group_id, extensions, body, actor, audience, created_at)
         VALUES (?, 'a.b', 'https://here.example', ?, ?, '{}', ?, '{}', 'customer', ?)`,
        `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
        subject,
        organization,
        `{"at":${at}}`,
        clock.now(),
      );
    }
  });
  await until(() => receiver.events.length, 200_000).toBe(1551);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
  const order = receiver.events.slice(1).map(({ data }) => Number(data.body.at));
  expect(new Set(order).size).toBe(1550);
  for (let at = 0; at < 50; at += 1) expect(order.indexOf(at)).toBeLessThan(order.indexOf(1500 + at));
  const positionOf = (from: number, to: number) =>
    order.flatMap((at, position) => (at >= from && at < to ? [position] : [])).sort((a, b) => a - b)[0] ?? -1;
  expect(positionOf(0, 250)).toBeLessThan(positionOf(1250, 1500));
}, 240_000);

test('events of one subject keep their order, whatever fails in between; others do not wait for them', async () => {
  const { call, receive, newGroup } = await start();
  const receiver = await receive();
  const slow = await newGroup(organization, 'slow');
  await until(() => receiver.events.length).toBe(2);
  let failures = 3;
  receiver.answer = ({ attributes }) => (attributes['subject'] === slow && failures-- > 0 ? 500 : undefined);
  for (let version = 0; version < 10; version++) {
    await call('PUT', `/iam/v1/groups/${slow}`, { name: 'slow', description: `version ${version}` });
  }
  const other = await newGroup(organization, 'other');
  await until(() => receiver.events.length).toBe(13);
  const descriptions = receiver.events
    .filter(({ attributes }) => attributes['subject'] === slow)
    .map((event) => event.data.body.description);
  expect(descriptions).toEqual([undefined, ...Array.from({ length: 10 }, (_, version) => `version ${version}`)]);
  const position = receiver.events.findIndex(({ attributes }) => attributes['subject'] === other);
  expect(position).toBeLessThan(12);
});

test('a dead letter can be sent once more, by whoever may change the subscription', async () => {
  const { platform, call, receive, newGroup, deliveries } = await start();
  const receiver = await receive();
  await until(() => receiver.events.length).toBe(1);
  receiver.answer = () => 400;
  await newGroup(organization, 'lost');
  await until(async () => (await deliveries(`group=${organization}&state=dead`)).length).toBe(1);
  const [{ id }] = await deliveries(`group=${organization}&state=dead`);
  receiver.answer = () => undefined;
  const again = `/local/v1/events/deliveries/${id}:redeliver`;
  expect((await platform.call(await platform.token(guest), 'POST', again)).status).toBe(403);
  expect((await platform.call(undefined, 'POST', again)).status).toBe(401);
  expect((await call('POST', '/local/v1/events/deliveries/999:redeliver')).status).toBe(404);
  expect((await call('GET', again)).status).toBe(501);
  const queued = await call('POST', again);
  expect(queued.body).toMatchObject({ id, state: 'pending', tries: 0 });
  await until(() => receiver.events.length).toBe(2);
  await until(async () => (await deliveries(`group=${organization}&state=delivered`)).length).toBe(2);
  const [item] = await deliveries(`group=${organization}`);
  expect(item.attempts.map((attempt: { status: number; number: number }) => [attempt.number, attempt.status])).toEqual([
    [1, 400],
    [2, 200],
  ]);
});

test('the list of deliveries has pages and is for those who may list subscriptions', async () => {
  const { platform, call, receive, newGroup } = await start();
  const receiver = await receive();
  for (const name of ['a', 'b', 'c', 'd']) await newGroup(organization, name);
  await until(() => receiver.events.length).toBe(5);
  const path = `/local/v1/events/deliveries?group=${organization}`;
  const first = (await call('GET', `${path}&page_size=3`)).body;
  const second = (await call('GET', `${path}&page_size=3&page_token=${first.nextPageToken}`)).body;
  expect([first.items.length, second.items.length, second.nextPageToken]).toEqual([3, 2, '']);
  const ids = [...first.items, ...second.items].map((item: { id: string }) => Number(item.id));
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  expect((await platform.call(await platform.token(guest), 'GET', path)).status).toBe(200);
  const stranger = await platform.token(platform.user('stranger@example.com'));
  expect((await platform.call(stranger, 'GET', path)).status).toBe(404);
  for (const query of ['', '?group=x', `?group=${organization}&state=odd`, `?group=${organization}&page_token=x`]) {
    expect((await call('GET', `/local/v1/events/deliveries${query}`)).body.code, query).toBe(3);
  }
  expect((await call('GET', '/local/v1/events/other')).status).toBe(404);
});

test('what was committed before a stop is delivered after the next start', async () => {
  const dataDir = temporaryFolder();
  const first = await start({ dataDir });
  const receiver = await first.receive();
  await until(() => receiver.events.length).toBe(1);
  receiver.answer = () => 'hang';
  const group = await first.newGroup(organization, 'late');
  // Stopped while the sink is being waited for.
  await until(() => receiver.requests).toBeGreaterThan(1);
  await first.platform.stop();
  expect(receiver.events).toHaveLength(1);
  receiver.answer = () => undefined;
  await start({ dataDir });
  await until(() => receiver.events.length).toBe(2);
  expect(receiver.events[1]?.attributes['subject']).toBe(group);
  expect(receiver.refused).toEqual([]);
});

test('a deleted subscription gets nothing more', async () => {
  const { call, receive, newGroup } = await start();
  const receiver = await receive();
  await until(() => receiver.events.length).toBe(1);
  await call('DELETE', `/events/v1/subscriptions/${receiver.subscription}`);
  await newGroup(organization, 'quiet');
  await sleep(150);
  expect(receiver.requests).toBe(1);
});
