// Logins for registries of clouds, as the agent of a cluster asks for them: the account association of its group, tokens that the
// clouds verify by the platform's own keys, and requests that they check the signature of.

import { beforeEach, expect, test } from 'vitest';
import { createCloudLogins } from '../../src/enforce/agent/cloud-logins.ts';
import { demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { type LoopbackClouds, startLoopbackClouds } from '../support/loopback-clouds.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { reportCluster } from '../support/reporting-cluster.ts';

const organization = demoOrganizations.private;
const { engineering } = demoFolders;
const ecr = '999999999999.dkr.ecr.eu-west-1.amazonaws.com';
const artifactRegistry = 'europe-west1-docker.pkg.dev';

let clouds: LoopbackClouds;
let platform: TestPlatform;
let cluster: string;
let agent: string;

beforeEach(async () => {
  const clock = new TestClock();
  clouds = await startLoopbackClouds();
  clouds.now = () => clock.now();
  platform = await startTestPlatform({
    clock,
    clouds: {
      awsSts: `${clouds.url}/aws/`,
      awsEcr: `${clouds.url}/ecr/`,
      googleSts: `${clouds.url}/google`,
      googleIam: `${clouds.url}/iam/`,
    },
  });
  cluster = await reportCluster(platform, engineering);
  const row = platform.store.read((tx) => tx.get('SELECT identity FROM enforce_clusters WHERE id = ?', cluster));
  agent = await platform.token(String(row?.['identity']));
});

async function associate(group: string, accounts: object) {
  const owner = await platform.token(personId('dev@example.com'));
  const answer = await platform.call(owner, 'POST', `/iam/v1/account_associations/${group}`, { body: accounts });
  expect(answer.status).toBe(200);
}

const login = (registry: string, token = agent) =>
  platform.call(token, 'GET', `/local/enforce/v1/clusters/${cluster}/login?registry=${registry}`);

const trust = (audience: string, group: string): void => {
  clouds.trust = { issuer: platform.urls.issuer, audience, subject: `cosigned:${group}` };
};

test('ECR gives a password to the role of the associated account, in the region of the registry', async () => {
  await associate(engineering, { amazon: { account: '123456789012' } });
  trust('amazon', engineering);
  expect((await login(ecr)).body).toEqual({ user: 'AWS', password: 'password-for-eu-west-1', ttl: 3600 });
  expect(new URLSearchParams(clouds.requests[0]?.body).get('RoleArn')).toBe(
    'arn:aws:iam::123456789012:role/chainguard-cosigned',
  );
  expect(clouds.requests[1]?.headers['x-amz-target']).toBe(
    'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
  );
});

test('Artifact Registry takes the access token of the service account, through the association of a group above', async () => {
  await associate(organization, { google: { projectId: 'acme-prod', projectNumber: '424242' } });
  trust('google', organization);
  const body = { user: 'oauth2accesstoken', password: 'as-cosigned', ttl: 240 };
  for (const registry of [artifactRegistry, 'gcr.io', 'eu.gcr.io']) expect((await login(registry)).body).toEqual(body);
});

test('what the cloud does not trust, and what is not associated, is a reason and no login', async () => {
  expect((await login(ecr)).body.reason).toContain('no account of that cloud is associated');
  await associate(engineering, { amazon: { account: '123456789012' } });
  trust('amazon', organization);
  expect((await login(ecr)).body.reason).toMatch(/^AWS: unexpected "sub" claim value/);
  expect((await login(artifactRegistry)).body.reason).toContain('no account of that cloud is associated');
  for (const registry of ['ttl.sh', 'evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'docker.pkg.dev']) {
    expect((await login(registry)).body).toEqual({ reason: 'that is no registry of AWS or Google Cloud' });
  }
  clouds.answer = { status: 500, body: 'no' };
  expect((await login(ecr)).body.reason).toContain('AWS answered with HTTP status 500');
});

test('nobody but the agent of the cluster gets a login', async () => {
  await associate(engineering, { amazon: { account: '123456789012' } });
  trust('amazon', engineering);
  const owner = await platform.token(personId('dev@example.com'));
  expect((await login(ecr, owner)).status).toBe(404);
  expect(clouds.requests).toEqual([]);
});

test('an agent asks for registries of clouds alone, once while a login is good, and tells why there is none', async () => {
  const asked: string[] = [];
  const told: string[] = [];
  let now = 0;
  const answers: Record<string, { user: string; password: string; ttl: number } | { reason: string }> = {
    [ecr]: { user: 'AWS', password: 'p', ttl: 3600 },
    [artifactRegistry]: { reason: 'no account' },
  };
  const logins = createCloudLogins(
    async (registry) => {
      asked.push(registry);
      return answers[registry] ?? { reason: 'unknown' };
    },
    () => now,
    (_about, line) => line !== '' && told.push(line),
  );
  expect(await logins('ttl.sh')).toBeUndefined();
  expect(await Promise.all([logins(ecr), logins(ecr)])).toEqual(Array(2).fill({ user: 'AWS', password: 'p' }));
  now = 3_599_999;
  await logins(ecr);
  expect(asked).toEqual([ecr]);
  now = 3_600_000;
  await logins(ecr);
  expect(await logins(artifactRegistry)).toBeUndefined();
  await logins(artifactRegistry);
  expect(asked).toEqual([ecr, ecr, artifactRegistry]);
  expect(told).toEqual([`no login for ${artifactRegistry}: no account`]);
});
