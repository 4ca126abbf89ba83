// The webhook over its own TLS, with bodies as an API server sends them (enforce.md 1.1).

import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readPolicy } from '../../src/enforce/policy/document.ts';
import type { Verdict } from '../../src/enforce/verify/verify.ts';
import { makeCertificate } from '../../src/enforce/webhook/certificate.ts';
import { type AdmissionRequest, type Decider, mutate, validate } from '../../src/enforce/webhook/review.ts';
import { startWebhook, type Webhook } from '../../src/enforce/webhook/server.ts';

const digest = `sha256:${'b'.repeat(64)}`;
const running: Webhook[] = [];
const hanging: Server[] = [];
afterEach(async () => {
  for (const webhook of running.splice(0)) await webhook.stop();
  for (const server of hanging.splice(0)) server.close().closeAllConnections();
});

const policy = readPolicy(
  JSON.stringify({
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'sample-policy' },
    spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'fail' } }] },
  }),
).policy;

const text = 'signature keyless validation failed for authority authority-0 for X: no signatures found';
const verdictOf = (image: string, result: 'PASS' | 'FAIL' | 'WARN'): Verdict => ({
  image,
  policies: [{ name: 'sample-policy', result, messages: result === 'PASS' ? [] : [text], authorities: [], glob: '**' }],
});

const decider = (more: Partial<Decider> = {}): Decider => ({
  policies: [policy],
  unreadable: [],
  noMatch: 'deny',
  resolve: async () => digest,
  verify: async ({ registry, repository }) =>
    verdictOf(`${registry}/${repository}@${digest}`, repository.includes('bad') ? 'FAIL' : 'PASS'),
  ...more,
});

async function start(
  own: Decider | ((signal: AbortSignal) => Decider),
  failsOpen = false,
  deadlineMs: number | undefined = undefined,
) {
  const deciderFor = typeof own === 'function' ? own : () => own;
  const certificate = makeCertificate(['127.0.0.1', 'localhost'], Date.now());
  const errors: unknown[] = [];
  const webhook = await startWebhook({
    certificate,
    address: '127.0.0.1',
    port: 0,
    secret: 'secret',
    mutate: (review, signal) => mutate(review, deciderFor(signal)),
    validate: (review, signal) => validate(review, deciderFor(signal)),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    failsOpen: () => failsOpen,
    onError: (error) => errors.push(error),
  });
  running.push(webhook);
  const post = (path: string, body: string, ca = certificate.certificate): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port: webhook.port, path, method: 'POST', ca }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      });
      call.on('error', reject);
      call.end(body);
    });
  const review = async (path: string, asked: object) => {
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
    return JSON.parse((await post(`/secret/${path}`, body)).body).response;
  };
  return { post, review, errors };
}

const pod = (...images: string[]): AdmissionRequest => ({
  uid: 'u1',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  namespace: 'default',
  operation: 'CREATE',
  object: { metadata: { name: 'p' }, spec: { containers: images.map((image, at) => ({ name: `c${at}`, image })) } },
});

test('a tag becomes a digest, and an image with one is left as it is', async () => {
  const { review } = await start(decider());
  const { patch, allowed } = await review('mutations', pod('ubuntu', `quay.io/a@${digest}`));
  expect(allowed).toBe(true);
  expect(JSON.parse(Buffer.from(patch, 'base64').toString())).toEqual([
    { op: 'replace', path: '/spec/containers/0/image', value: `index.docker.io/library/ubuntu@${digest}` },
  ]);
});

test('a denial has the words of the guide of 2022, and names each container', async () => {
  const { review } = await start(decider());
  const { allowed, status } = await review('validations', pod(`good@${digest}`, `me/bad@${digest}`));
  expect(allowed).toBe(false);
  expect(status).toEqual({
    code: 400,
    reason: 'BadRequest',
    message: `validation failed: failed policy: sample-policy: spec.containers[1].image\nindex.docker.io/me/bad@${digest} ${text}`,
  });
});

test('every place of an image is looked at, by kind', async () => {
  const { review } = await start(decider());
  const spec = { containers: [{ image: `good@${digest}` }], initContainers: [{ image: `me/bad@${digest}` }] };
  const job = {
    ...pod(),
    kind: { group: 'batch', version: 'v1', kind: 'CronJob' },
    resource: { group: 'batch', version: 'v1', resource: 'cronjobs' },
    object: { spec: { jobTemplate: { spec: { template: { spec } } } } },
  };
  expect((await review('validations', job)).status.message).toContain(
    'spec.jobTemplate.spec.template.spec.initContainers[0].image',
  );
  const ephemeral = {
    ...pod(),
    subResource: 'ephemeralcontainers',
    operation: 'UPDATE',
    object: {
      spec: { containers: [{ image: `good@${digest}` }], ephemeralContainers: [{ image: `me/bad@${digest}` }] },
    },
    oldObject: { spec: { containers: [{ image: `good@${digest}` }] } },
  };
  expect((await review('validations', ephemeral)).status.message).toContain('spec.ephemeralContainers[0].image');
});

test('an image without a digest is refused before any policy; what goes away is let go', async () => {
  const { review } = await start(decider());
  expect((await review('validations', pod('ubuntu'))).status.message).toContain(
    'invalid value: ubuntu must be an image digest',
  );
  const going = {
    ...pod('ubuntu'),
    object: { metadata: { deletionTimestamp: 'x' }, spec: { containers: [{ image: 'ubuntu' }] } },
  };
  expect((await review('validations', going)).allowed).toBe(true);
});

test('an image that no policy is about is denied, warned of or let in as the cluster says', async () => {
  const none = { verify: async () => ({ image: 'i', policies: [] }) };
  const asked = pod(`a@${digest}`);
  const of = async (noMatch: Decider['noMatch']) =>
    (await start(decider({ ...none, noMatch }))).review('validations', asked);
  expect((await of('deny')).status.message).toBe(
    'validation failed: no matching policies: spec.containers[0].image\ni',
  );
  expect(await of('warn')).toMatchObject({
    allowed: true,
    warnings: ['no matching policies: spec.containers[0].image i'],
  });
  expect(await of('allow')).toEqual({ uid: 'u1', allowed: true });
});

test('a policy in warn mode warns in one line', async () => {
  const warn = decider({ verify: async () => verdictOf('i', 'WARN') });
  const { review } = await start(warn);
  const { allowed, warnings } = await review('validations', pod(`a@${digest}`));
  expect(allowed).toBe(true);
  expect(warnings[0]).toMatch(/^failed policy: sample-policy: [^\n]+$/);
});

test('an error of ours refuses, unless the cluster says that it may not', async () => {
  const broken = decider({ verify: () => Promise.reject(new Error('Cannot reach https://registry.example')) });
  const closed = await start(broken);
  expect(await closed.review('validations', pod(`a@${digest}`))).toMatchObject({
    allowed: false,
    status: { message: 'validation failed: Cannot reach https://registry.example' },
  });
  expect(closed.errors).toHaveLength(1);
  const open = await start(broken, true);
  expect(await open.review('validations', pod(`a@${digest}`))).toMatchObject({
    allowed: true,
    warnings: [expect.stringContaining('Cannot reach')],
  });
});

test('a policy of the cluster that cannot be read lets nothing in', async () => {
  const { review } = await start(decider({ unreadable: ['broken'] }));
  expect((await review('validations', pod(`a@${digest}`))).status.message).toContain(
    'policies that cannot be read: broken',
  );
});

test('a thousand containers of one image are decided once', async () => {
  let asked = 0;
  const counting = decider({
    verify: async () => {
      asked += 1;
      return verdictOf('i', 'PASS');
    },
  });
  const { review } = await start(counting);
  const { allowed } = await review('validations', pod(...Array<string>(1000).fill(`a@${digest}`)));
  expect([allowed, asked]).toEqual([true, 1]);
});

test('a thousand images are decided a few at a time, and each container that breaks a policy is named', async () => {
  const [atOnce, most] = [{ now: 0 }, { ever: 0 }];
  const counting = decider({
    verify: async ({ registry, repository }) => {
      atOnce.now += 1;
      most.ever = Math.max(most.ever, atOnce.now);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce.now -= 1;
      return verdictOf(`${registry}/${repository}@${digest}`, /999$/.test(repository) ? 'FAIL' : 'PASS');
    },
  });
  const { review } = await start(counting);
  const images = Array.from({ length: 1000 }, (_, at) => `me/app${at}@${digest}`);
  const { allowed, status } = await review('validations', pod(...images));
  expect(allowed).toBe(false);
  expect(status.message).toContain('spec.containers[999].image');
  expect(most.ever).toBeLessThanOrEqual(32);
});

test('what becomes less is let go, as long as its images stay', async () => {
  const { review } = await start(decider());
  const scaled = (replicas: number, image: string) => ({
    spec: { replicas, template: { spec: { containers: [{ image }] } } },
  });
  const asked = (object: object, oldObject: object) => ({
    ...pod(),
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    operation: 'UPDATE',
    object,
    oldObject,
  });
  const [bad, worse] = [`me/bad@${digest}`, `me/bad2@${digest}`];
  expect((await review('validations', asked(scaled(0, bad), scaled(3, bad)))).allowed).toBe(true);
  expect((await review('validations', asked(scaled(3, bad), scaled(3, bad)))).allowed).toBe(false);
  expect((await review('validations', asked(scaled(4, bad), scaled(3, bad)))).allowed).toBe(false);
  expect((await review('validations', asked(scaled(0, worse), scaled(3, bad)))).allowed).toBe(false);
});

describe('a registry that takes the request and never answers', () => {
  /** Resolves when the request that waits there was given up. */
  async function silent() {
    const gone = new Set<string>();
    const arrived = new Set<string>();
    const server = createServer((asked) => {
      arrived.add(asked.url ?? '');
      asked.socket.on('close', () => gone.add(asked.url ?? ''));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    hanging.push(server);
    const { port } = server.address() as AddressInfo;
    const through = (signal: AbortSignal) =>
      decider({
        verify: async ({ repository }) => {
          await fetch(`http://127.0.0.1:${port}/${repository}`, { signal });
          return verdictOf('i', 'PASS');
        },
      });
    return { through, gone, arrived };
  }

  test('is a refusal at the deadline, and its connection is given up', async () => {
    const { through, gone } = await silent();
    const { review } = await start(through, false, 300);
    const began = performance.now();
    expect(await review('validations', pod(`me/a@${digest}`))).toMatchObject({
      allowed: false,
      status: { code: 400, message: 'validation failed: no verdict within 0.3 s' },
    });
    expect(performance.now() - began).toBeGreaterThanOrEqual(250);
    await vi.waitFor(() => expect([...gone]).toEqual(['/me/a']));
  });

  test('is a warning where the cluster fails open', async () => {
    const { through } = await silent();
    const { review } = await start(through, true, 300);
    expect(await review('validations', pod(`me/a@${digest}`))).toMatchObject({
      allowed: true,
      warnings: ['enforcer.chainguard.dev: no verdict within 0.3 s'],
    });
  });

  test('keeps 64 requests waiting; the next is refused at once, and later ones are decided again', async () => {
    const { through, arrived } = await silent();
    const { review } = await start(through, false, 2_000);
    const waiting = Array.from({ length: 64 }, (_, at) => review('validations', pod(`me/a${at}@${digest}`)));
    await vi.waitFor(() => expect(arrived.size).toBe(64), { timeout: 10_000 });
    const full = await review('validations', pod(`me/late@${digest}`));
    expect(full).toMatchObject({ allowed: false, status: { message: expect.stringContaining('64 other requests') } });
    for (const { allowed } of await Promise.all(waiting)) expect(allowed).toBe(false);
    expect((await review('validations', pod('ubuntu'))).status.message).toContain('must be an image digest');
  });
});

test('a review of nearly 10 MiB is decided', async () => {
  const { review } = await start(decider());
  const big = pod(`good@${digest}`);
  const filled = {
    ...big,
    object: { ...big.object, metadata: { annotations: { a: 'x'.repeat(10 * 1024 * 1024 - 2000) } } },
  };
  expect((await review('validations', filled)).allowed).toBe(true);
});

test('who does not know the path, sends no review or sends too much gets no verdict', async () => {
  const { post } = await start(decider());
  expect((await post('/guess/validations', '{}')).status).toBe(404);
  expect((await post('/secret/validations', '{}')).status).toBe(400);
  expect((await post('/secret/validations', 'x'.repeat(11 * 1024 * 1024))).status).toBe(413);
  await expect(
    post('/secret/validations', '{}', makeCertificate(['127.0.0.1'], Date.now()).certificate),
  ).rejects.toThrow();
});
