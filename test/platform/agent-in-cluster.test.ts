// The agent as a pod has it: tokens in files that are replaced, the API server by two variables, the webhook behind a
// Service. The API server stands in here; platform, agent and TLS are the real ones.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { builtInRoleId, demoFolders, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';
import { agentSubject, clusterIssuer, serviceAccountTokens } from '../support/service-account-tokens.ts';
import { type StubKubernetes, startStubKubernetes } from '../support/stub-kubernetes.ts';

const { engineering } = demoFolders;
const remoteId = 'ba5eba11-ba5e-4a11-8a6a-95fc2398fe16';
const digest = `sha256:${'a'.repeat(64)}`;
const image = `registry.example/team/app@${digest}`;
const webhooks = '/apis/admissionregistration.k8s.io/v1';
const policies = '/apis/policy.sigstore.dev/v1beta1/clusterimagepolicies';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Waits as long as a busy machine may need; the state that is waited for comes by itself. */
const until = { timeout: 30_000, interval: 50 };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A platform with an identity for the cluster's agent, an invite, and a policy that lets nothing pass. */
async function preparedPlatform(now: () => number, kubernetes: ReturnType<typeof serviceAccountTokens>) {
  const platform = await startTestPlatform({ clock: new TestClock(now()) });
  const owner = await platform.token(personId('dev@example.com'));
  const create = async (path: string, body: object) =>
    (await platform.call(owner, 'POST', `${path}/${engineering}`, { body })).body;
  const identity = await create('/iam/v1/identities', {
    name: 'agent',
    static: { issuer: clusterIssuer, subject: agentSubject, issuerKeys: kubernetes.keys, audiences: ['gulfstream'] },
  });
  const invite = await create('/iam/v1/group_invites', { role: builtInRoleId('gulfstream'), ttl: '600s' });
  await create('/iam/v1/policies', {
    document: JSON.stringify({
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'nothing' },
      spec: { images: [{ glob: '**' }], authorities: [{ static: { action: 'fail', message: 'never' } }] },
    }),
  });
  return { platform, owner, identity: String(identity.id), code: String(invite.code) };
}

function podFiles(stub: StubKubernetes, own: string) {
  const folder = mkdtempSync(join(tmpdir(), 'pod-'));
  writeFileSync(join(folder, 'ca.crt'), stub.ca);
  writeFileSync(join(folder, 'token'), `${stub.token}\n`);
  writeFileSync(join(folder, 'oidc-token'), own);
  return { folder, rotate: (token: string) => writeFileSync(join(folder, 'token'), token) };
}

function startAgent(
  platform: TestPlatform,
  stub: StubKubernetes,
  folder: string,
  webhookPort: number,
  env: Record<string, string>,
) {
  const end = new AbortController();
  const ran = runCli(
    [
      'local',
      'agent',
      '--in-cluster',
      `--service-account=${folder}`,
      `--identity-token=${join(folder, 'oidc-token')}`,
      `--webhook-port=${webhookPort}`,
    ],
    {
      signal: end.signal,
      env: {
        KUBERNETES_SERVICE_HOST: '127.0.0.1',
        KUBERNETES_SERVICE_PORT: String(stub.port),
        POD_IP: '127.0.0.1',
        CHAINGUARD_PLATFORM_API: platform.urls.api,
        CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
        ...env,
      },
    },
  );
  const stop = async () => {
    end.abort();
    return ran;
  };
  ends.push(stop);
  return { stop };
}

/** What the API server was told last of where the webhook is. */
function clientConfigIn(stub: StubKubernetes) {
  const stored = stub.get(`${webhooks}/validatingwebhookconfigurations`, 'enforcer.chainguard.dev');
  const [hook] = (stored?.['webhooks'] ?? []) as {
    clientConfig: { readonly caBundle?: string; readonly service?: { readonly path: string } };
  }[];
  return hook?.clientConfig;
}

/** Asks the webhook as the API server would, by the name of its Service. */
function review(port: number, { path, caBundle }: { path: string; caBundle: string }): Promise<string> {
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'default',
      operation: 'CREATE',
      object: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image }] } },
    },
  });
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        servername: 'webhook.gulfstream.svc',
        ca: Buffer.from(caBundle, 'base64'),
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

test('an agent in a pod registers once, distributes, reports, denies, and reads its tokens anew', async () => {
  const kubernetes = serviceAccountTokens(() => Date.now());
  const { platform, owner, identity, code } = await preparedPlatform(() => Date.now(), kubernetes);
  const stub = await startStubKubernetes('first-token');
  ends.push(stub.stop);
  stub.put('/api/v1/namespaces', { metadata: { name: 'gulfstream', uid: remoteId } });
  stub.put('/api/v1/namespaces', { metadata: { name: 'default' } });
  for (const kind of ['validating', 'mutating']) {
    const clientConfig = { service: { name: 'webhook', namespace: 'gulfstream', port: 443, path: '/validations' } };
    stub.put(`${webhooks}/${kind}webhookconfigurations`, {
      metadata: { name: 'enforcer.chainguard.dev' },
      webhooks: [{ clientConfig, failurePolicy: 'Fail' }],
    });
  }
  const files = podFiles(stub, kubernetes.token());
  const port = await freePort();
  const who = { IDENTITY_UID: identity, CHAINGUARD_CLUSTER_NAME: 'in-a-pod' };
  const { stop } = startAgent(platform, stub, files.folder, port, { ...who, INVITE_CODE: code });

  const clusters = async () => (await platform.call(owner, 'GET', '/tenant/v1/clusters')).body.items ?? [];
  await vi.waitFor(async () => expect(await clusters()).toMatchObject([{ name: 'in-a-pod', remoteId }]), until);
  const [{ id: cluster }] = await clusters();
  await platform.call(owner, 'PUT', `/tenant/v1/clusters/${cluster}`, { body: { profiles: ['observer', 'enforcer'] } });
  await vi.waitFor(() => expect(stub.get(policies, 'nothing')).toBeDefined(), until);

  const service = await vi.waitFor(() => {
    const config = clientConfigIn(stub);
    expect(config).toMatchObject({
      service: {
        name: 'webhook',
        namespace: 'gulfstream',
        port: 443,
        path: expect.stringMatching(/^\/.{30,}\/validations$/),
      },
      caBundle: expect.any(String),
    });
    expect(config).not.toHaveProperty('url');
    return { path: config?.service?.path ?? '', caBundle: config?.caBundle ?? '' };
  }, until);
  await vi.waitFor(
    async () => expect(await review(port, service)).toContain('disallowed by static policy: never'),
    until,
  );

  // The kubelet has replaced the token, and the server takes the new one only.
  files.rotate('second-token');
  stub.token = 'second-token';
  stub.put('/api/v1/namespaces/default/none', { metadata: { name: 'none' } });
  await vi.waitFor(() => expect(stub.seen.has('second-token')).toBe(true), until);
  stub.put('/api/v1/pods', {
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'c', image }] },
  });
  const records = `/tenant/v1/clusters/${remoteId}/records`;
  await vi.waitFor(async () => {
    expect((await platform.call(owner, 'GET', records)).body.items).toMatchObject([{ image }]);
  }, until);
  expect((await stop()).code).toBe(0);

  // A pod that starts again has an invite that is used up, and needs none.
  const again = startAgent(platform, stub, files.folder, await freePort(), { ...who, INVITE_CODE: code });
  await vi.waitFor(() => expect(clientConfigIn(stub)?.service?.path).not.toBe(service.path), until);
  expect(await clusters()).toHaveLength(1);
  expect((await again.stop()).code).toBe(0);
});

test.each([
  ['outside of a pod', { KUBERNETES_SERVICE_HOST: '' }, 'KUBERNETES_SERVICE_HOST is not set'],
  ['without the files of a pod', { KUBERNETES_SERVICE_HOST: '127.0.0.1' }, 'ca.crt'],
])('%s one sentence says what is missing', async (_name, env, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'pod-'));
  const { code, err } = await runCli(['local', 'agent', '--in-cluster', `--service-account=${folder}`], { env });
  expect(code).not.toBe(0);
  expect(err).toContain(message);
});

test('a pod that does not know who it is on the platform says where to put that', async () => {
  const kubernetes = serviceAccountTokens(() => Date.now());
  const stub = await startStubKubernetes('t');
  ends.push(stub.stop);
  const { folder } = podFiles(stub, kubernetes.token());
  const run = () =>
    runCli(['local', 'agent', '--in-cluster', `--service-account=${folder}`], {
      env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(stub.port) },
    });
  expect((await run()).err).toContain('The cluster has no namespace gulfstream');
  stub.put('/api/v1/namespaces', { metadata: { name: 'gulfstream', uid: remoteId } });
  expect((await run()).err).toContain('IDENTITY_UID is not set');
});
