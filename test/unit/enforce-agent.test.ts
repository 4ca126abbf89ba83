// The parts of an agent against a cluster and a platform that go away, forget and come back.

import { expect, test } from 'vitest';
import { distribute, policiesPath, policyVersionKey } from '../../src/enforce/agent/distribution.ts';
import { googleKeyLogin } from '../../src/enforce/agent/google-key.ts';
import { dropResults } from '../../src/enforce/agent/image-results.ts';
import { createInventory, recordPath } from '../../src/enforce/agent/inventory.ts';
import { Mirror, type Path } from '../../src/enforce/agent/mirror.ts';
import {
  type KubernetesClient,
  KubernetesError,
  type KubernetesObject,
  type WatchEvent,
} from '../../src/kubernetes/client.ts';
import { follow } from '../../src/kubernetes/follow.ts';

const facts = { agentVersion: '1', version: 'v1', active: () => ['observer'], isWhole: () => true };
const at = (key: string): Path => [['node', key]];

interface Told {
  readonly run: string;
  readonly number: number;
  readonly complete?: boolean;
  readonly upserts: readonly { readonly name: string }[];
  readonly removals?: readonly Path[];
  readonly seen?: readonly Path[];
  readonly events?: readonly object[];
}

/** A platform that keeps what it was told; it may be away, have forgotten, refuse, or take a report and lose its answer. */
function platform() {
  const told: Told[] = [];
  const state = { isAway: false, forgets: false, refuses: false, losesAnswers: false, meanwhile: () => {} };
  return {
    told,
    state,
    async report(body: object): Promise<'taken' | 'mustRestart' | { refused: string }> {
      if (state.isAway) throw new Error('nobody is there');
      if (state.refuses) return { refused: 'no such kind' };
      const report = body as Told;
      if (state.forgets && report.number > 1) return 'mustRestart';
      state.forgets = false;
      // As the platform does: one that came before changes nothing.
      if (told.at(-1)?.run !== report.run || told.at(-1)?.number !== report.number) told.push(report);
      state.meanwhile();
      if (state.losesAnswers) throw new Error('the connection was lost');
      return 'taken';
    },
    names: () => told.map(({ number, upserts }) => [number, ...upserts.map(({ name }) => name)]),
  };
}

test('what was told is told again only when it changed, and nothing is lost while the platform is away', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  mirror.set(at('a'), 'a', {});
  await mirror.flush(sink, facts, []);
  mirror.set(at('a'), 'a', {});
  sink.state.isAway = true;
  mirror.set(at('b'), 'b', {});
  mirror.remove(at('a'));
  await expect(mirror.flush(sink, facts, [])).rejects.toThrow('nobody is there');
  sink.state.isAway = false;
  await mirror.flush(sink, facts, []);
  expect(sink.names()).toEqual([[1, 'a'], [2, 'b'], [3]]);
  expect(sink.told[1]?.removals).toEqual([at('a')]);
  expect(new Set(sink.told.map(({ run }) => run)).size).toBe(1);
});

test('a platform that has forgotten is told everything in a new run', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  mirror.set(at('a'), 'a', {});
  await mirror.flush(sink, facts, []);
  sink.state.forgets = true;
  mirror.set(at('b'), 'b', {});
  await mirror.flush(sink, facts, []);
  const [before, again] = sink.told;
  expect(again?.run).not.toBe(before?.run);
  expect(again).toMatchObject({ number: 1, complete: true, upserts: [{ name: 'a' }, { name: 'b' }] });
});

test('what changes or goes while a report is under way is told with the next', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  for (const name of ['a', 'b', 'c']) mirror.set(at(name), name, {});
  sink.state.meanwhile = () => {
    sink.state.meanwhile = () => {};
    mirror.set(at('a'), 'a', { kernelVersion: '2' });
    mirror.remove(at('b'));
  };
  await mirror.flush(sink, facts, []);
  await mirror.flush(sink, facts, []);
  await mirror.flush(sink, facts, []);
  expect(sink.names()).toEqual([[1, 'a', 'b', 'c'], [2, 'a'], [3]]);
  expect(sink.told[1]).toMatchObject({ upserts: [{ body: { kernelVersion: '2' } }], removals: [at('b')] });
});

test('a report whose answer was lost is sent again as it was, and what changed meanwhile after it', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  mirror.set(at('a'), 'a', {});
  mirror.tell({ type: 'denied' });
  sink.state.losesAnswers = true;
  await expect(mirror.flush(sink, facts, [])).rejects.toThrow('the connection was lost');
  mirror.set(at('b'), 'b', {});
  mirror.remove(at('a'));
  await expect(mirror.flush(sink, facts, [])).rejects.toThrow('the connection was lost');
  sink.state.losesAnswers = false;
  await mirror.flush(sink, facts, []);
  expect(sink.names()).toEqual([
    [1, 'a'],
    [2, 'b'],
  ]);
  expect(sink.told.map(({ removals }) => removals)).toEqual([[], [at('a')]]);
  expect(sink.told.map(({ events }) => events)).toEqual([[{ type: 'denied' }], []]);
});

test('a report that is refused is not sent again as it was', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  mirror.set(at('bad'), 'bad', {});
  sink.state.refuses = true;
  await expect(mirror.flush(sink, facts, [])).rejects.toThrow('no such kind');
  sink.state.refuses = false;
  mirror.remove(at('bad'));
  mirror.set(at('good'), 'good', {});
  await mirror.flush(sink, facts, []);
  expect(sink.names()).toEqual([[1, 'good']]);
});

test('a run is complete once, when all was mirrored and the last of it is told', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  let isWhole = false;
  const growing = { ...facts, isWhole: () => isWhole };
  for (let count = 0; count < 1001; count += 1) mirror.set(at(`n${count}`), `n${count}`, {});
  await mirror.flush(sink, growing, [at('n0')]);
  expect(sink.told.map(({ upserts, complete, seen }) => [upserts.length, complete, seen])).toEqual([
    [1000, undefined, []],
    [1, undefined, [at('n0')]],
  ]);
  isWhole = true;
  for (let count = 0; count < 1001; count += 1) mirror.set(at(`n${count}`), `n${count}`, { kernelVersion: '2' });
  await mirror.flush(sink, growing, []);
  await mirror.flush(sink, growing, []);
  expect(sink.told.map(({ complete }) => complete)).toEqual([undefined, undefined, undefined, true, undefined]);
});

test('what is removed goes with everything below it, and may come again', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  const record = (key: string): Path => [['record', key]];
  const below = (key: string, context: string): Path => [...record(key), ['context', context]];
  for (const path of [record('a'), below('a', '1'), below('a', '2'), record('ab'), below('ab', '1')]) {
    mirror.set(path, path.map(([, key]) => key).join('/'), {});
  }
  mirror.remove(record('a'));
  expect([record('a'), below('a', '1'), below('ab', '1')].map((path) => mirror.has(path))).toEqual([
    false,
    false,
    true,
  ]);
  mirror.set(below('a', '2'), 'a/2 again', {});
  await mirror.flush(sink, facts, []);
  expect(sink.names()).toEqual([[1, 'ab', 'ab/1', 'a/2 again']]);
});

test('a workload waits for its namespace, whatever else of it goes meanwhile', () => {
  const mirror = new Mirror();
  const inventory = createInventory(mirror, async () => undefined);
  const set = (name: string): KubernetesObject => ({
    metadata: { name, uid: `uid-${name}`, namespace: 'shop', resourceVersion: '1' },
  });
  inventory.workload(set('first'), 'ReplicaSet', 'apps/v1');
  inventory.workload(set('second'), 'ReplicaSet', 'apps/v1');
  inventory.removeWorkload(set('second'));
  inventory.namespace({ metadata: { name: 'shop', uid: 'uid-shop', resourceVersion: '1' } });
  const workload = (name: string): Path => [
    ['namespace', 'uid-shop'],
    ['workload', `uid-${name}`],
  ];
  expect(['first', 'second'].map((name) => mirror.has(workload(name)))).toEqual([true, false]);
});

const objectOf = (name: string, version: string, more: object = {}): KubernetesObject => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: version, ...more },
});

test('a list that was missed is made up for: what went is removed, what stayed is not told twice', async () => {
  const lists = [
    [objectOf('a', '1'), objectOf('b', '1')],
    [objectOf('b', '1'), objectOf('c', '2')],
  ];
  const events: string[] = [];
  const end = new AbortController();
  let watches = 0;
  const client = {
    list: async () => ({ items: lists.shift() ?? [], resourceVersion: '5' }),
    async watch(_path: string, _version: string, onEvent: (event: WatchEvent) => void) {
      watches += 1;
      if (watches === 1) throw new KubernetesError(410, 'too old');
      onEvent({ type: 'MODIFIED', object: objectOf('b', '6') });
      end.abort();
    },
  } as unknown as KubernetesClient;
  await follow(
    client,
    '/api/v1/nodes',
    {
      upsert: ({ metadata }) => events.push(`+${metadata.name}`),
      remove: ({ metadata }) => events.push(`-${metadata.name}`),
      ready: () => events.push('ready'),
      failed: (error) => events.push(String(error)),
    },
    end.signal,
  );
  expect(events).toEqual(['+a', '+b', 'ready', '-a', '+c', 'ready', '+b']);
});

test('policies of others stay, ours that count no longer go, and one name of two groups counts twice', async () => {
  const ours = { labels: { 'app.kubernetes.io/managed-by': 'chainctl-agent' } };
  const items = [
    objectOf('foreign', '1'),
    objectOf('old', '1', ours),
    objectOf('same', '1', { ...ours, annotations: { [policyVersionKey]: 'v1' } }),
  ];
  const sent: string[] = [];
  const client = {
    list: async () => ({ items, resourceVersion: '1' }),
    async send(method: string, path: string) {
      sent.push(`${method} ${path.replace(policiesPath, '').replace(/\?.*/, '')}`);
      return objectOf('x', '1');
    },
  } as unknown as KubernetesClient;
  const document = (name: string) =>
    JSON.stringify({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name },
      spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'pass' } }] },
    });
  const given = (id: string, name: string, version = 'v1') => ({
    id: `group/${id}`,
    name,
    version,
    document: document(name),
  });
  const problems = await distribute(client, [
    given('0000000000000001', 'same'),
    given('0000000000000002', 'same'),
    given('0000000000000003', 'foreign'),
    { id: 'group/4', name: 'broken', version: 'v1', document: 'x: 1' },
  ]);
  expect(sent).toEqual(['PATCH /same-00000002', 'PATCH /foreign-00000003', 'DELETE /old']);
  expect(problems).toEqual([expect.stringContaining('policy broken cannot be read')]);
});

test('the key of a Google service account is a login for the registries of Google, and for no other', async () => {
  const asked: string[] = [];
  const client = {
    async get(path: string) {
      asked.push(path);
      return { metadata: {}, data: { 'gcp.json': Buffer.from('{"private_key":"x"}').toString('base64') } };
    },
  } as unknown as KubernetesClient;
  for (const registry of ['gcr.io', 'eu.gcr.io', 'europe-docker.pkg.dev']) {
    expect(await googleKeyLogin(client, registry)).toEqual({ user: '_json_key', password: '{"private_key":"x"}' });
  }
  expect(new Set(asked)).toEqual(new Set(['/api/v1/namespaces/gulfstream/secrets/mcp-creds']));
  for (const registry of ['ghcr.io', 'gcr.io.example.com', '123456789012.dkr.ecr.eu-west-1.amazonaws.com']) {
    expect(await googleKeyLogin(client, registry)).toBeUndefined();
  }
  expect(asked).toHaveLength(3);
  const without = { get: async () => ({ metadata: {}, data: {} }) } as unknown as KubernetesClient;
  const refusing = { get: () => Promise.reject(new KubernetesError(403, 'no')) } as unknown as KubernetesClient;
  for (const one of [without, refusing]) expect(await googleKeyLogin(one, 'gcr.io')).toBeUndefined();
});

test('what a policy said of images is taken back when it goes, and nothing else', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  const images = ['a', 'b', 'c'].map((letter) => `registry.example/app@sha256:${letter.repeat(64)}`);
  const result = (image: string, policy: string): Path => [...recordPath(image), ['result', policy]];
  const [a = '', b = ''] = images;
  for (const image of images) mirror.set(recordPath(image), image, {});
  mirror.set(result(a, 'gone'), 'gone', {});
  mirror.set(result(b, 'gone'), 'gone', {});
  mirror.set(result(b, 'stays'), 'stays', {});
  await mirror.flush(sink, facts, []);
  dropResults(mirror, images, 'gone');
  await mirror.flush(sink, facts, []);
  expect(sink.told.at(-1)?.removals).toEqual([result(a, 'gone'), result(b, 'gone')]);
  expect(mirror.has(result(b, 'stays'))).toBe(true);
});
