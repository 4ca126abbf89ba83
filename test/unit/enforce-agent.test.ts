// The parts of an agent against a cluster and a platform that go away, forget and come back.

import { expect, test } from 'vitest';
import { dropResults } from '../../src/enforce/agent/agent.ts';
import { distribute, policiesPath, policyVersionKey } from '../../src/enforce/agent/distribution.ts';
import { googleKeyLogin } from '../../src/enforce/agent/google-key.ts';
import { recordPath } from '../../src/enforce/agent/inventory.ts';
import { Mirror, type Path } from '../../src/enforce/agent/mirror.ts';
import {
  type KubernetesClient,
  KubernetesError,
  type KubernetesObject,
  type WatchEvent,
} from '../../src/kubernetes/client.ts';
import { follow } from '../../src/kubernetes/follow.ts';

const facts = { agentVersion: '1', version: 'v1', active: () => ['observer'] };
const at = (key: string): Path => [['node', key]];

interface Told {
  readonly run: string;
  readonly number: number;
  readonly complete?: boolean;
  readonly upserts: readonly { readonly name: string }[];
  readonly removals?: readonly Path[];
}

/** A platform that keeps what it was told; it may be away, or have forgotten. */
function platform() {
  const told: Told[] = [];
  const state = { isAway: false, forgets: false };
  return {
    told,
    state,
    async report(body: object): Promise<'taken' | 'mustRestart'> {
      if (state.isAway) throw new Error('nobody is there');
      const report = body as Told;
      if (state.forgets && report.number > 1) return 'mustRestart';
      state.forgets = false;
      told.push(report);
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
  expect(sink.names()).toEqual([[1, 'a'], [2], [3, 'b']]);
  expect(sink.told[2]?.removals).toEqual([at('a')]);
  expect(new Set(sink.told.map(({ run }) => run)).size).toBe(1);
});

test('a platform that has forgotten is told everything in a new run', async () => {
  const [mirror, sink] = [new Mirror(), platform()];
  mirror.set(at('a'), 'a', {});
  await mirror.flush(sink, facts, []);
  sink.state.forgets = true;
  mirror.set(at('b'), 'b', {});
  await mirror.flush(sink, facts, []);
  const [before, , again] = sink.told;
  expect(again?.run).not.toBe(before?.run);
  expect(again).toMatchObject({ number: 1, complete: true, upserts: [{ name: 'a' }, { name: 'b' }] });
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
