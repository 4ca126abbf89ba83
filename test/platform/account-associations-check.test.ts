import { beforeEach, describe, expect, test } from 'vitest';
import { badCloudVariable, cloudAddressesIn } from '../../src/local/iam/clouds/addresses.ts';
import { createCloudCheck } from '../../src/local/iam/clouds/check.ts';
import { demoFolders, organization, personId } from '../support/ids.ts';
import { type LoopbackClouds, startLoopbackClouds } from '../support/loopback-clouds.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const { engineering } = demoFolders;
const tenantId = '11111111-2222-3333-4444-555555555555';
const clientId = '66666666-7777-8888-9999-000000000000';

let clock: TestClock;
let clouds: LoopbackClouds;
let platform: TestPlatform;
let owner: string;

beforeEach(async () => {
  clock = new TestClock();
  clouds = await startLoopbackClouds();
  clouds.now = () => clock.now();
  platform = await startTestPlatform({
    clock,
    clouds: {
      awsSts: `${clouds.url}/aws/`,
      googleSts: `${clouds.url}/google`,
      googleIam: `${clouds.url}/iam/`,
      azureLogin: `${clouds.url}/azure`,
    },
  });
  owner = await platform.token(personId('dev@example.com'));
  await platform.call(owner, 'POST', `/iam/v1/account_associations/${engineering}`, {
    body: {
      amazon: { account: '123456789012' },
      google: { projectId: 'acme-prod', projectNumber: '424242' },
      azure: { tenantId, clientIds: { canary: clientId } },
    },
  });
});

const check = (accountType: string | number, group = engineering, token = owner): Promise<Answer> =>
  platform.call(token, 'POST', `/iam/v1/account_associations/${group}:check`, { body: { accountType } });

const trust = (audience: string, subject = `canary:${engineering}`): void => {
  clouds.trust = { issuer: platform.urls.issuer, audience, subject };
};

const ready = { ready: 'Ready', reason: '', message: '' };

describe('AWS', () => {
  test('is ready when the role of the account trusts the platform for that group', async () => {
    trust('amazon');
    const answer = await check('AMAZON');
    expect([answer.status, answer.body]).toEqual([200, ready]);
    const form = Object.fromEntries(new URLSearchParams(clouds.requests[0]?.body));
    expect(form).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::123456789012:role/chainguard-canary',
      DurationSeconds: '900',
    });
    // The enum may come as its number.
    expect((await check(2)).body).toEqual(ready);
  });

  test('is not when it trusts another group, and says what AWS says', async () => {
    trust('amazon', `canary:${organization}`);
    expect((await check('AMAZON')).body).toEqual({
      ready: 'NotReady',
      reason: 'InvalidIdentityToken',
      message: 'unexpected "sub" claim value',
    });
    trust('google');
    expect((await check('AMAZON')).body.message).toBe('unexpected "aud" claim value');
    await platform.call(owner, 'PUT', `/iam/v1/account_associations/${engineering}`, {
      body: { amazon: { account: '999999999999' } },
    });
    expect((await check('AMAZON')).body).toEqual({
      ready: 'NotReady',
      reason: 'AccessDenied',
      message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    });
  });

  test('JSON answers are read too', async () => {
    clouds.answer = { status: 200, body: JSON.stringify({ AssumeRoleWithWebIdentityResponse: {} }) };
    expect((await check('AMAZON')).body).toEqual(ready);
    clouds.answer = { status: 403, body: JSON.stringify({ Error: { Code: 'AccessDenied', Message: 'no' } }) };
    expect((await check('AMAZON')).body).toEqual({ ready: 'NotReady', reason: 'AccessDenied', message: 'no' });
  });
});

describe('Google Cloud', () => {
  test('is ready when pool and service account trust the platform for that group', async () => {
    trust('google');
    expect((await check('GOOGLE')).body).toEqual(ready);
    expect(clouds.requests.map(({ path }) => path)).toEqual([
      '/google/v1/token',
      '/iam/v1/projects/-/serviceAccounts/chainguard-canary@acme-prod.iam.gserviceaccount.com:generateAccessToken',
    ]);
  });

  test('is not when either refuses, and says what Google says', async () => {
    trust('amazon');
    expect((await check('GOOGLE')).body).toEqual({
      ready: 'NotReady',
      reason: 'invalid_grant',
      message: 'unexpected "aud" claim value',
    });
    trust('google');
    await platform.call(owner, 'PUT', `/iam/v1/account_associations/${engineering}`, {
      body: { google: { projectId: 'acme-test', projectNumber: '424242' } },
    });
    expect((await check('GOOGLE')).body).toEqual({
      ready: 'NotReady',
      reason: 'PERMISSION_DENIED',
      message: "Permission 'iam.serviceAccounts.getAccessToken' denied",
    });
  });
});

describe('Azure', () => {
  test('is ready when the application trusts the platform for that group', async () => {
    trust('api://AzureADTokenExchange');
    expect((await check('AZURE')).body).toEqual(ready);
    expect(Object.fromEntries(new URLSearchParams(clouds.requests[0]?.body))).toMatchObject({
      client_id: clientId,
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
  });

  test('takes another application when there is none for the canary', async () => {
    await platform.call(owner, 'PUT', `/iam/v1/account_associations/${engineering}`, {
      body: { azure: { tenantId, clientIds: { 'catalog-syncer': clientId } } },
    });
    trust('api://AzureADTokenExchange', `catalog-syncer:${engineering}`);
    expect((await check('AZURE')).body).toEqual(ready);
    await platform.call(owner, 'PUT', `/iam/v1/account_associations/${engineering}`, { body: { azure: { tenantId } } });
    expect((await check('AZURE')).body).toMatchObject({ ready: 'NotReady', reason: 'NotConfigured' });
  });

  test('is not otherwise, and says what Azure says', async () => {
    trust('google');
    expect((await check('AZURE')).body).toEqual({
      ready: 'NotReady',
      reason: 'invalid_client',
      message: 'AADSTS700213: unexpected "aud" claim value',
    });
  });
});

describe('in every cloud', () => {
  test.each(['AMAZON', 'GOOGLE', 'AZURE'])(
    '%s: no redirect is followed, no odd answer believed',
    async (accountType) => {
      clouds.answer = { status: 307, headers: { location: `${clouds.url}/elsewhere` }, body: '' };
      expect((await check(accountType)).body).toMatchObject({ ready: 'NotReady', reason: 'UnexpectedAnswer' });
      expect(clouds.requests).toHaveLength(1);
      for (const answer of [
        { status: 200, body: '' },
        { status: 200, body: '{}' },
        { status: 200, body: '<html>captive portal</html>' },
        { status: 500, body: 'oops' },
        { status: 200, body: 'x'.repeat(70_000) },
      ]) {
        clouds.answer = answer;
        expect((await check(accountType)).body.ready).toBe('NotReady');
      }
    },
  );

  test('what a cloud says cannot disturb a terminal', async () => {
    clouds.answer = {
      status: 400,
      body: JSON.stringify({ error: 'a\u001b[31m', error_description: `line\r\n\u202ebad${'x'.repeat(2000)}` }),
    };
    const { reason, message } = (await check('AZURE')).body;
    expect(reason).toBe('a [31m');
    expect(message).toMatch(/^line badx+…$/);
  });

  test('one that is not there is unreachable, and the token is in no message', async () => {
    const sent: string[] = [];
    const lonely = createCloudCheck({ awsSts: 'http://127.0.0.1:9/' }, async (subject, audience) => {
      sent.push(`${subject} ${audience}`);
      return 'the-token';
    });
    const status = await lonely(engineering, { amazon: { account: '123456789012' } }, 'AMAZON');
    expect(status).toMatchObject({ ready: 'NotReady', reason: 'Unreachable' });
    expect(status.message).toContain('127.0.0.1:9');
    expect(JSON.stringify(status)).not.toContain('the-token');
    expect(sent).toEqual([`canary:${engineering} amazon`]);
    expect(() => createCloudCheck({ awsSts: 'file:///etc' }, async () => '')).toThrow(RangeError);
  });

  test('without an address it is offline, without an association not configured, and nobody is asked', async () => {
    const offline = await startTestPlatform({ clock });
    const token = await offline.token(personId('dev@example.com'));
    const path = `/iam/v1/account_associations/${engineering}`;
    await offline.call(token, 'POST', path, { body: { amazon: { account: '123456789012' } } });
    const status = async (accountType?: string) =>
      (await offline.call(token, 'POST', `${path}:check`, { body: { accountType } })).body;
    expect(await status('AMAZON')).toMatchObject({ ready: 'NotReady', reason: 'Offline' });
    expect(await status('GOOGLE')).toMatchObject({ ready: 'NotReady', reason: 'NotConfigured' });
    expect(await status(undefined)).toMatchObject({ code: 3 });
    expect((await check('AMAZON', organization)).body).toMatchObject({ ready: 'NotReady', reason: 'NotConfigured' });
    expect(clouds.requests).toEqual([]);
  });

  test('looking is enough to check; a stranger makes nobody be asked', async () => {
    trust('amazon');
    const viewer = await platform.token(personId('guest@example.com'));
    expect((await check('AMAZON', engineering, viewer)).body).toEqual(ready);
    const asked = clouds.requests.length;
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect((await check('AMAZON', engineering, stranger)).status).toBe(404);
    expect(clouds.requests.length).toBe(asked);
  });

  test('the token for a cloud is worth nothing at the platform', async () => {
    trust('amazon');
    await check('AMAZON');
    const token = new URLSearchParams(clouds.requests[0]?.body).get('WebIdentityToken') ?? '';
    expect((await platform.call(token, 'GET', '/iam/v1/groups')).status).toBe(401);
    const exchange = `/sts/exchange?aud=${encodeURIComponent(platform.urls.api)}`;
    expect((await platform.call(token, 'POST', exchange)).status).toBeGreaterThanOrEqual(400);
    expect((await platform.call(token, 'POST', '/auth/v1/register', { body: {} })).status).toBe(403);
  });
});

test('the environment says where the clouds are', () => {
  const env = {
    CHAINCTL_LOCAL_AWS_STS_URL: 'https://sts.amazonaws.com',
    CHAINCTL_LOCAL_GOOGLE_STS_URL: 'https://sts.googleapis.com',
    CHAINCTL_LOCAL_GOOGLE_IAM_URL: 'https://iamcredentials.googleapis.com',
    CHAINCTL_LOCAL_AZURE_LOGIN_URL: '',
  };
  expect(cloudAddressesIn(env)).toEqual({
    awsSts: 'https://sts.amazonaws.com',
    googleSts: 'https://sts.googleapis.com',
    googleIam: 'https://iamcredentials.googleapis.com',
    azureLogin: '',
  });
  expect(badCloudVariable(env)).toBeUndefined();
  for (const wrong of ['sts.amazonaws.com', 'file:///x', 'https://x.example/?a=b']) {
    expect(badCloudVariable({ ...env, CHAINCTL_LOCAL_AWS_STS_URL: wrong })).toBe('CHAINCTL_LOCAL_AWS_STS_URL');
  }
});
