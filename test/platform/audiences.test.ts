// A platform that goes by other names than its address, so that programs with production's built in run behind a proxy.

import { request } from 'node:http';
import { expect, test } from 'vitest';
import { createGrpcClient, message } from '../support/grpc-client.ts';
import { demoOrganizations, dev } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const production = 'https://console-api.enforce.dev';

/** Status of the same question over each protocol that takes tokens of the API. */
async function statuses(platform: TestPlatform, audience: string) {
  const token = await platform.token(dev, { audience });
  const rest = await platform.call(token, 'GET', '/iam/v1/groups');
  const validate = await platform.call(token, 'GET', '/auth/v1/ok');
  const events = await platform.call(token, 'GET', `/local/v1/events/deliveries?group=${demoOrganizations.private}`);
  const client = createGrpcClient(platform.urls.api);
  const grpc = await client.call('/chainguard.platform.iam.Groups/List', message(), { authorization: token });
  client.close();
  return { rest: rest.status, validate: validate.status, events: events.status, grpc: grpc.code };
}

test('tokens for an alias of the API work at every protocol, and only where it was asked for', async () => {
  const good = { rest: 200, validate: 200, events: 200, grpc: 0 };
  const bad = { rest: 401, validate: 401, events: 401, grpc: 16 };
  const platform = await startTestPlatform({ audiences: [production, 'https://api.example.com/'] });
  for (const audience of [platform.urls.api, production, `${production}/`, 'https://api.example.com']) {
    expect(await statuses(platform, audience), audience).toEqual(good);
  }
  expect(await statuses(platform, 'https://other.example.com')).toEqual(bad);
  expect(await statuses(platform, 'cgr.dev')).toEqual(bad);
  const plain = await startTestPlatform();
  expect(await statuses(plain, production)).toEqual(bad);
});

function statusFor(platform: TestPlatform, host: string, headers: Record<string, string> = {}, path = '/v2/') {
  const { hostname, port } = new URL(platform.urls.api);
  return new Promise<{ status: number | undefined; challenge: string | undefined }>((resolve, reject) => {
    const asked = request({ hostname, port, path, headers: { host, ...headers } }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, challenge: response.headers['www-authenticate'] });
    });
    asked.once('error', reject).end();
  });
}

test('a host alias is answered to on any port, another name still is not', async () => {
  const platform = await startTestPlatform({ hostAliases: ['console-api.enforce.dev', 'cgr.dev'] });
  const discovery = '/.well-known/openid-configuration';
  for (const host of ['console-api.enforce.dev', 'Console-API.enforce.dev:443', 'cgr.dev']) {
    expect((await statusFor(platform, host, {}, discovery)).status, host).toBe(200);
  }
  for (const host of ['issuer.enforce.dev', 'xcgr.dev', 'cgr.dev.example.com']) {
    expect((await statusFor(platform, host, {}, discovery)).status, host).toBe(421);
  }
  // The registry sends clients to where they have come from, TLS of the proxy included.
  const { challenge } = await statusFor(platform, 'cgr.dev', { 'x-forwarded-proto': 'https' });
  expect(challenge).toBe('Bearer realm="https://cgr.dev/token",service="cgr.dev"');
});
