// What becomes of events after their commit, straight on the store: who gets them, what an answer means, when there is another
// try, and what the token of a delivery says.

import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { createWebhookSigner, type WebhookSigner } from '../../src/local/events/cloud-event.ts';
import { createDispatcher, type DispatcherOptions } from '../../src/local/events/dispatcher.ts';
import type { Posted } from '../../src/local/events/post.ts';
import { pruneEvents } from '../../src/local/events/retention.ts';
import { insertEvent } from '../../src/local/outbox/stored-events.ts';
import type { SqlRow, Store } from '../../src/local/store/database.ts';
import { demoFolders, demoOrganizations } from '../support/ids.ts';
import type { TestClock } from '../support/platform.ts';
import { standIns, testStore } from '../support/store.ts';

const organization = demoOrganizations.private;
const { engineering, platform: team, sandbox } = demoFolders;
const day = 24 * 60 * 60 * 1000;

interface Sent {
  readonly sink: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function begin(
  answer: (sent: Sent) => number | Error | Promise<Posted> = () => 204,
  retryDelays = [0, 0],
  signerOf?: (store: Store, clock: TestClock) => WebhookSigner,
) {
  const { store, clock } = await testStore();
  // Making a key takes longer than all the rest.
  const signer = signerOf?.(store, clock) ?? { sign: async () => 'signed' };
  const { insert } = standIns(store);
  const sent: Sent[] = [];
  const post: DispatcherOptions['post'] = async (url, headers, body) => {
    const one = { sink: url.href, headers, body };
    sent.push(one);
    const said = await answer(one);
    if (said instanceof Error) throw said;
    return typeof said === 'number' ? { status: said, answer: 'said' } : said;
  };
  const defects: unknown[] = [];
  const options = { store, clock, signer, post, retryDelays, onDefect: (error: unknown) => defects.push(error) };
  const dispatcher = createDispatcher(options);
  dispatcher.start();
  onTestFinished(async () => {
    await dispatcher.stop();
    expect(defects).toEqual([]);
  });
  let made = 0;
  const subscribe = (parent: string, sink = 'https://sink.example/') => {
    const id = `${parent}/${String(++made).padStart(16, '0')}`;
    const after = store.read((tx) => tx.get('SELECT COALESCE(MAX(seq), 0) AS seq FROM outbox'))?.['seq'] ?? 0;
    insert('subscriptions', { id, parent, sink, after_seq: after, created_at: 0, updated_at: 0 });
    return id;
  };
  const happen = (group: string, subject: string, audience = 'customer') =>
    store.transact((tx) =>
      insertEvent(tx, {
        ...{ type: 'dev.example.v1', source: 'https://api.example/x', subject, group, audience },
        ...{ extensions: {}, body: { subject }, actor: { subject: 'somebody' } },
      }),
    );
  const rows = (table: string): SqlRow[] => store.read((tx) => tx.all(`SELECT * FROM ${table} ORDER BY 1, 2`));
  const states = () => rows('deliveries').map(({ state, tries }) => `${state} after ${tries}`);
  const settled = () => until(() => rows('deliveries').filter(({ state }) => state === 'pending')).toEqual([]);
  return { store, clock, dispatcher, sent, subscribe, happen, rows, states, settled };
}

/** Ends what hangs; a busy machine is many times slower than an idle one. */
const until: typeof expect.poll = (look) => expect.poll(look, { timeout: 30_000, interval: 5 });

const subjects = (sent: readonly Sent[]) => sent.map(({ body }) => JSON.parse(body).body.subject);

test('an event goes to the subscriptions of its group and of every group above, made before it', async () => {
  const { sent, subscribe, happen, settled } = await begin();
  const names = new Map([
    [subscribe(organization), 'organization'],
    [subscribe(engineering), 'engineering'],
    [subscribe(sandbox), 'sandbox'],
  ]);
  happen(team, 'below');
  happen(engineering, 'in it');
  happen(organization, 'above');
  await until(() => sent.length).toBe(5);
  names.set(subscribe(organization), 'late');
  happen(sandbox, 'beside');
  await until(() => sent.length).toBe(8);
  await settled();
  const got = sent.map(({ headers, body }) => [
    names.get(headers['ce-chainguarddev1subscription'] ?? ''),
    JSON.parse(body).body.subject,
  ]);
  expect(got.sort()).toEqual([
    ['engineering', 'below'],
    ['engineering', 'in it'],
    ['late', 'beside'],
    ['organization', 'above'],
    ['organization', 'below'],
    ['organization', 'beside'],
    ['organization', 'in it'],
    ['sandbox', 'beside'],
  ]);
});

test('what is not for customers goes to nobody', async () => {
  const { sent, subscribe, happen, settled } = await begin();
  subscribe(organization);
  for (const audience of ['internal', '', 'Customer']) happen(organization, audience, audience);
  happen(organization, 'last');
  await until(() => sent.length).toBe(1);
  await settled();
  expect(subjects(sent)).toEqual(['last']);
});

test('what an answer means: taken, tried twice more, or final at once', async () => {
  const outcomes: Readonly<Record<string, string>> = {
    ...{ 199: 'dead after 1', 200: 'delivered after 1', 204: 'delivered after 1', 299: 'delivered after 1' },
    ...{ 300: 'dead after 1', 307: 'dead after 1', 400: 'dead after 1', 404: 'dead after 1', 407: 'dead after 1' },
    ...{ 408: 'dead after 3', 409: 'dead after 1', 428: 'dead after 1', 429: 'dead after 3', 430: 'dead after 1' },
    ...{ 499: 'dead after 1', 500: 'dead after 3', 503: 'dead after 3', none: 'dead after 3' },
  };
  const { subscribe, happen, rows, states, settled } = await begin(({ sink }) =>
    sink.endsWith('none') ? new Error('connection refused') : Number(sink.slice(-3)),
  );
  const answers = Object.keys(outcomes);
  for (const answer of answers) subscribe(organization, `https://sink.example/${answer}`);
  happen(organization, 'x');
  await until(states).toHaveLength(answers.length);
  await settled();
  expect(Object.fromEntries(states().map((state, at) => [answers[at], state]))).toEqual(outcomes);
  const noted = rows('delivery_attempts').map((row) => [
    row['delivery'],
    row['number'],
    row['status'],
    row['error'],
    row['answer'],
  ]);
  expect(noted).toEqual(
    answers.flatMap((answer, at) =>
      Array.from({ length: Number(outcomes[answer]?.slice(-1)) }, (_, number) =>
        answer === 'none'
          ? [at + 1, number + 1, null, 'connection refused', '']
          : [at + 1, number + 1, Number(answer), null, 'said'],
      ),
    ),
  );
});

test('a try that succeeds ends the tries, and what comes behind it goes on', async () => {
  const answers = [503, 429, 200, 200];
  const { sent, subscribe, happen, states, settled } = await begin(() => answers.shift() ?? 500);
  subscribe(organization);
  happen(organization, 'same');
  happen(organization, 'same');
  await until(states).toHaveLength(2);
  await settled();
  expect(states()).toEqual(['delivered after 3', 'delivered after 1']);
  // The same event has the same id in each try, and another in the next.
  const ids = sent.map(({ headers }) => headers['ce-id']);
  expect([new Set(ids.slice(0, 3)).size, ids[3] === ids[0]]).toEqual([1, false]);
});

test('the next try is noted for when its pause is over', async () => {
  const { clock, dispatcher, subscribe, happen, rows } = await begin(() => 503, [60_000]);
  subscribe(organization);
  happen(organization, 'x');
  await until(() => rows('deliveries').map(({ tries }) => tries)).toEqual([1]);
  expect(rows('deliveries')).toMatchObject([
    { state: 'pending', next_try_at: clock.now() + 60_000, finished_at: null },
  ]);
  await dispatcher.stop();
});

test('a delivery that is dead is sent once more, with all its tries, when it is asked for', async () => {
  let answer = 500;
  const { store, dispatcher, sent, subscribe, happen, states, settled } = await begin(() => answer);
  subscribe(organization);
  happen(organization, 'x');
  await until(states).toEqual(['dead after 3']);
  expect(store.transact((tx) => dispatcher.redeliver(tx, 99))).toBe(false);
  answer = 200;
  expect(store.transact((tx) => dispatcher.redeliver(tx, 1))).toBe(true);
  await settled();
  expect([states(), sent.length]).toEqual([['delivered after 1'], 4]);
});

test('the token of a delivery is for its group, for five minutes, and about these bytes', async () => {
  const { clock, sent, subscribe, happen, settled } = await begin(undefined, undefined, (store, clock) =>
    createWebhookSigner(store, 'https://issuer.example', clock),
  );
  subscribe(engineering);
  happen(team, 'ü');
  await until(() => sent.length).toBe(1);
  await settled();
  const [{ headers, body, sink } = { headers: {}, body: '', sink: '' }] = sent as (Sent & {
    headers: Record<string, string>;
  })[];
  const now = Math.floor(clock.now() / 1000);
  expect(headers['authorization']).toMatch(/^Bearer /);
  expect(decodeJwt(headers['authorization']?.slice(7) ?? '')).toEqual({
    iss: 'https://issuer.example',
    // Whoever listens, not where it happened.
    sub: `webhook:${engineering}`,
    aud: 'customer',
    iat: now,
    exp: now + 300,
    webhook: { digest: `sha256:${createHash('sha256').update(Buffer.from(body)).digest('hex')}` },
  });
  expect(JSON.parse(body)).toEqual({ actor: { subject: 'somebody' }, body: { subject: 'ü' } });
  expect([headers['ce-subject'], headers['ce-chainguarddev1webhook'], sink]).toEqual([
    '%C3%BC',
    sink,
    'https://sink.example/',
  ]);
  expect(headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test.each(['http://169.254.169.254/', 'http://sink.example/', 'ftp://sink.example/'])(
  'a sink that was allowed once is looked at again before each try: %s',
  async (sink) => {
    const { sent, subscribe, happen, states } = await begin();
    subscribe(organization, sink);
    happen(organization, 'x');
    await until(states).toEqual(['dead after 3']);
    expect(sent).toEqual([]);
  },
);

test('events are kept for thirty days, and longer while one is on its way', async () => {
  const { store, clock, dispatcher, subscribe, happen, rows, states } = await begin(
    (one) => (one.body.includes('waits') ? 503 : 200),
    [60_000],
  );
  subscribe(organization);
  happen(organization, 'done');
  happen(organization, 'waits');
  await until(() => states().sort()).toEqual(['delivered after 1', 'pending after 1']);
  const kept = () => rows('outbox').map(({ subject }) => subject);
  clock.advance(30 * day);
  expect([await pruneEvents(store), kept()]).toEqual([0, ['done', 'waits']]);
  clock.advance(1);
  expect([await pruneEvents(store), kept()]).toEqual([1, ['waits']]);
  await dispatcher.stop();
});
