// Policies, clusters and what agents report (enforce.md 1), over HTTP. The agent here is a test that plays it: tokens of a
// cluster's own issuer, whose keys are pinned as `cluster install --private` does.

import { beforeEach, expect, test } from 'vitest';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { agentSubject, clusterIssuer, serviceAccountTokens } from '../support/service-account-tokens.ts';

const organization = demoOrganizations.private;
const { engineering } = demoFolders;
const remoteId = 'ba5eba11-ba5e-4a11-8a6a-95fc2398fe16';

let platform: TestPlatform;
let clock: TestClock;
let owner: string;
beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(personId('dev@example.com'));
});

const documentOf = (name: string, glob = 'index.docker.io/*') => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: ${name}
spec:
  images:
    - glob: "${glob}"
  authorities:
    - static: { action: fail, message: never }
`;

const createPolicy = (parent: string, document: string, more: object = {}, token = owner) =>
  platform.call(token, 'POST', `/iam/v1/policies/${parent}`, { body: { document, ...more } });

const events = (type: string) =>
  platform.store.read((tx) => tx.all('SELECT * FROM outbox WHERE type = ? ORDER BY seq', type));

test('a policy is named as its document is, and a changed document is a version', async () => {
  const made = await createPolicy(organization, documentOf('no-docker'), { description: 'first' });
  expect(made.status).toBe(200);
  const { id } = made.body;
  expect(made.body).toMatchObject({ name: 'no-docker', description: 'first', enforcedVersion: { label: 'v1' } });
  expect((await createPolicy(organization, documentOf('no-docker'))).status).toBe(409);
  expect((await createPolicy(organization, documentOf('x'), { name: 'y' })).body.message).toContain('name: "y" is not');

  const put = (body: object) => platform.call(owner, 'PUT', `/iam/v1/policies/${id}`, { body });
  expect((await put({ description: 'second' })).body.enforcedVersion.label).toBe('v1');
  const changed = await put({ document: documentOf('no-docker', '**') });
  expect(changed.body).toMatchObject({ description: 'second', enforcedVersion: { label: 'v2' } });
  expect((await put({ document: documentOf('other') })).body.message).toContain('the policy is called "no-docker"');

  const versions = await platform.call(owner, 'GET', `/iam/v1/policyVersions/${id}`);
  expect(versions.body.items.map(({ label }: { label: string }) => label)).toEqual(['v2', 'v1']);
  expect(versions.body.items[0].author.email).toBe('dev@example.com');
  const first = versions.body.items[1].id;
  const back = await platform.call(owner, 'POST', `/iam/v1/policyVersions/${first}`);
  expect(back.body.enforcedVersion).toMatchObject({ id: first, label: 'v1' });
  expect(back.body.document).toContain('index.docker.io');
  expect(events('dev.chainguard.api.iam.policy.version.activated.v1')).toHaveLength(1);
});

test('a document that cannot be used is refused with its line, and nothing is kept', async () => {
  const wrong = documentOf('p').replace('images:', 'imagez:');
  const answer = await createPolicy(organization, wrong);
  expect(answer.status).toBe(400);
  expect(answer.body.message).toBe(
    'document: line 6: "spec.imagez" is not a field; there is images, authorities, mode, match, policy',
  );
  expect((await platform.call(owner, 'GET', '/iam/v1/policies')).body.items).toEqual([]);
});

test('a viewer reads policies and writes none', async () => {
  const viewer = await platform.token(platform.user('viewer@example.com', ['viewer', organization]));
  expect((await createPolicy(organization, documentOf('p'), {}, viewer)).status).toBe(403);
  await createPolicy(organization, documentOf('p'));
  expect((await platform.call(viewer, 'GET', '/iam/v1/policies')).body.items).toHaveLength(1);
  const stranger = await platform.token(platform.user('stranger@example.com'));
  expect((await platform.call(stranger, 'GET', '/iam/v1/policies')).body.items).toEqual([]);
});

async function registerCluster(group = engineering, role = 'gulfstream') {
  const kubernetes = serviceAccountTokens(() => clock.now());
  const identity = await platform.call(owner, 'POST', `/iam/v1/identities/${group}`, {
    body: {
      name: 'cluster one',
      static: {
        issuer: clusterIssuer,
        subject: agentSubject,
        issuerKeys: kubernetes.keys,
        audiences: ['gulfstream'],
      },
    },
  });
  const invite = await platform.call(owner, 'POST', `/iam/v1/group_invites/${group}`, {
    body: { role: builtInRoleId(role), ttl: '600s', singleUse: true },
  });
  const register = (claims: object = {}) =>
    platform.call(kubernetes.token(claims), 'POST', '/auth/v1/register', {
      body: { code: invite.body.code, clusterId: remoteId, identityId: identity.body.id, clusterName: 'kind-one' },
    });
  return { kubernetes, identity: String(identity.body.id), register };
}

async function agent(group = engineering) {
  const { identity, register, kubernetes } = await registerCluster(group);
  const registered = await register();
  expect(registered.status, JSON.stringify(registered.body)).toBe(200);
  const token = await platform.token(identity);
  const [cluster] = (await platform.call(token, 'GET', '/local/enforce/v1/clusters')).body.clusters;
  const report = (number: number, more: object = {}, run = 'run-00000001') =>
    platform.call(token, 'POST', `/local/enforce/v1/clusters/${cluster.id}/report`, { body: { run, number, ...more } });
  return { cluster: String(cluster.id), token, report, kubernetes, identity };
}

test('an agent registers its cluster with an invite and pinned keys, and then exchanges its own token', async () => {
  const { identity, register, kubernetes } = await registerCluster();
  expect((await register({ sub: 'system:serviceaccount:default:thief' })).status).toBe(403);
  expect((await register({ aud: ['somebody'] })).status).toBe(403);
  const done = await register();
  expect(done.body).toEqual({ identity, group: engineering });
  const clusters = await platform.call(owner, 'GET', '/tenant/v1/clusters');
  expect(clusters.body.items).toMatchObject([
    { remoteId, issuer: clusterIssuer, name: 'kind-one', profiles: ['observer'], group: { id: engineering } },
  ]);
  expect(events('dev.chainguard.api.tenant.cluster.created.v1')).toHaveLength(1);
  const query = new URLSearchParams({ aud: platform.urls.api, identity });
  const exchanged = await platform.call(kubernetes.token(), 'GET', `/sts/exchange?${query}`);
  expect(exchanged.status).toBe(200);
  expect((await register()).status).toBe(404);
});

test('an invite for people registers no cluster', async () => {
  const { register } = await registerCluster(engineering, 'viewer');
  const refused = await register();
  expect(refused.body.message).toContain('the invite is not for a cluster');
  expect((await platform.call(owner, 'GET', '/tenant/v1/clusters')).body.items).toEqual([]);
});

test('policies of the groups above count in a cluster, and of no other group', async () => {
  await createPolicy(organization, documentOf('from-above'));
  await createPolicy(engineering, documentOf('own'));
  await createPolicy(demoFolders.sandbox, documentOf('elsewhere'));
  const { cluster, token } = await agent();
  const path = `/local/enforce/v1/clusters/${cluster}/policies`;
  const { policies } = (await platform.call(token, 'GET', path)).body;
  expect(policies.map(({ name }: { name: string }) => name)).toEqual(['own', 'from-above']);
  expect((await platform.call(owner, 'GET', path)).status).toBe(404);
});

const workload = (uid: string, name: string) => ({
  path: [
    ['namespace', 'n1'],
    ['workload', uid],
  ],
  name,
  body: { kind: 'Pod', apiVersion: 'v1' },
});
const record = (digest: string) => ({
  path: [['record', digest]],
  name: `index.docker.io/library/app@${digest}`,
  body: {},
});
const result = (digest: string, outcome: string) => ({
  path: [
    ['record', digest],
    ['result', 'policy-1'],
  ],
  name: 'sample-policy',
  body: {
    policyId: 'policy-1',
    result: outcome,
    parentType: 'RECORD',
    diagnostic: outcome === 'PASS' ? '' : 'no signatures found',
  },
});

test('reports are done once, in order, and a whole run forgets what went', async () => {
  const { cluster, report } = await agent();
  const workloads = async () => {
    const answer = await platform.call(owner, 'POST', '/chainguard.platform.tenant.Workloads/List', { body: {} });
    return answer.body.items.map(({ name }: { name: string }) => name).sort();
  };
  const namespace = { path: [['namespace', 'n1']], name: 'default', body: {} };
  expect((await report(1, { upserts: [namespace, workload('w1', 'one'), workload('w2', 'two')] })).body).toEqual({
    taken: 1,
  });
  expect((await report(1, { upserts: [workload('w3', 'three')] })).body).toEqual({ taken: 1 });
  expect(await workloads()).toEqual(['one', 'two']);
  expect((await report(3)).body.message).toContain('report 3 came, and 2 is missing');
  expect((await report(2, { removals: [workload('w1', '').path] })).body).toEqual({ taken: 2 });
  expect(await workloads()).toEqual(['two']);
  const again = {
    upserts: [namespace, workload('w4', 'four')],
    complete: true,
    version: 'v1.34.4',
    active: ['observer'],
  };
  expect((await report(1, again, 'run-00000002')).body).toEqual({ taken: 1 });
  expect(await workloads()).toEqual(['four']);
  const [shown] = (await platform.call(owner, 'GET', '/tenant/v1/clusters')).body.items;
  expect(shown).toMatchObject({ id: cluster, version: 'v1.34.4', activity: { observer: { profile: 'observer' } } });
});

test('what breaks a policy is shown with its record, and its turn is an event', async () => {
  const { cluster, report } = await agent();
  const digest = `sha256:${'a'.repeat(64)}`;
  await report(1, { upserts: [record(digest), result(digest, 'FAIL')] });
  await report(2, { upserts: [result(digest, 'FAIL')] });
  await report(3, { upserts: [result(digest, 'PASS')] });
  const told = events('dev.chainguard.policy.validation.changed.v1').map(({ body, subject }) => ({
    subject,
    ...JSON.parse(String(body)).policies['sample-policy'],
  }));
  expect(told).toMatchObject([
    {
      subject: `index.docker.io/library/app@${digest}`,
      change: 'new',
      valid: false,
      diagnostic: 'no signatures found',
    },
    { change: 'improved', valid: true },
  ]);
  const records = await platform.call(owner, 'GET', `/tenant/v1/clusters/${remoteId}/records`);
  expect(records.body.items).toMatchObject([{ image: `index.docker.io/library/app@${digest}`, cluster }]);
  clock.advance(3_600_000);
  const since = new Date(clock.now() - 60_000).toISOString();
  const later = await platform.token(personId('dev@example.com'));
  const none = await platform.call(later, 'GET', `/tenant/v1/clusters/${remoteId}/records?active_since=${since}`);
  expect(none.body.items).toEqual([]);
});

test('a policy that is deleted flags no image, and a whole run forgets where images ran', async () => {
  const { report } = await agent();
  const policy = (await createPolicy(organization, documentOf('sample-policy'))).body.id;
  const digest = `sha256:${'c'.repeat(64)}`;
  const below = (kind: string, key: string, body: object) => ({
    path: [
      ['record', digest],
      [kind, key],
    ],
    name: key,
    body,
  });
  const resultOf = (key: string) => below('result', key, { policyId: key, result: 'FAIL', parentType: 'RECORD' });
  const kept = () =>
    platform.store
      .read((tx) => tx.all("SELECT key FROM enforce_objects WHERE kind IN ('result', 'context') ORDER BY kind, id"))
      .map(({ key }) => key);
  await report(1, {
    upserts: [record(digest), resultOf(policy), resultOf('other'), below('context', 'pod-1', {})],
  });
  expect(new Set(kept())).toEqual(new Set(['pod-1', policy, 'other']));
  expect((await platform.call(owner, 'DELETE', `/iam/v1/policies/${policy}`)).status).toBe(200);
  expect(kept()).toEqual(['pod-1', 'other']);
  await report(1, { upserts: [below('context', 'pod-2', {})], complete: true }, 'run-00000002');
  expect(kept()).toEqual(['pod-2', 'other']);
});

test('a report that is no report changes nothing', async () => {
  const { report } = await agent();
  const bad = async (more: object) => (await report(1, more)).body.message;
  expect(await bad({ upserts: [{ path: [['planet', 'x']], name: 'x', body: {} }] })).toContain('is not a kind');
  expect(await bad({ upserts: [{ path: [['node', 'x']], name: 'x', body: { labels: 7 } }] })).toContain('labels');
  expect(
    await bad({ events: [{ type: 'dev.chainguard.api.iam.group.created.v1', subject: 's', body: {} }] }),
  ).toContain('is not an event');
});

test('a deleted cluster takes its records and its identity along, and a group with one stays', async () => {
  const { cluster, report, token } = await agent(demoFolders.sandbox);
  await report(1, { upserts: [record(`sha256:${'b'.repeat(64)}`)] });
  const group = await platform.call(owner, 'DELETE', `/iam/v1/groups/${demoFolders.sandbox}`);
  expect(group.body.message).toContain('1 × cluster');
  expect((await platform.call(owner, 'DELETE', `/tenant/v1/clusters/${cluster}`)).status).toBe(200);
  expect(platform.store.read((tx) => tx.get('SELECT COUNT(*) AS n FROM enforce_objects')?.['n'])).toBe(0);
  expect((await platform.call(token, 'GET', '/local/enforce/v1/clusters')).status).toBe(401);
});

test('the configuration is what the chosen profiles need', async () => {
  const config = async (body: object) => {
    const answer = await platform.call(owner, 'POST', '/chainguard.platform.tenant.Clusters/Config', { body });
    const text = (name: string) => Buffer.from(answer.body[name] ?? '', 'base64').toString();
    return { ...answer, mcp: text('mcpConfig'), tenant: text('tenantConfig') };
  };
  const observer = await config({ profiles: ['observer'] });
  expect(observer.body.profiles).toEqual(['observer']);
  expect(observer.tenant).toBe('');
  expect(observer.mcp).not.toContain('admissionregistration');
  const enforcer = await config({ profiles: ['enforcer'] });
  expect(enforcer.body.profiles).toEqual(['observer', 'enforcer']);
  expect(enforcer.tenant).toMatch(/failurePolicy: Fail[\s\S]*policy.sigstore.dev\/include/);
  const open = await config({ enforcerOptions: { webhookFailOpen: true, namespaceEnforcementMode: 'OptOut' } });
  expect(open.tenant).toMatch(/failurePolicy: Ignore[\s\S]*kube-system[\s\S]*gulfstream[\s\S]*cosign-system/);
  expect((await config({ profiles: ['x'] })).body.message).toContain('"x" is not a profile');
});
