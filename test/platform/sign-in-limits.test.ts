// Sign-ins that wait for a person cannot be pushed out by others.

import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { readSignInCode } from '../../src/local/sign-in-code.ts';
import { startTestPlatform, type TestPlatform, temporaryFolder } from '../support/platform.ts';

const startOf = (port: number) => `/oauth?redirect=${encodeURIComponent(`http://localhost:${port}/`)}`;

test('no number of other sign-ins ends one that waits, and the limit is that of their own origin', async () => {
  const platform = await startTestPlatform({ modules: [] });
  const waiting = await platform.call(undefined, 'GET', startOf(4000));
  const cookie = (waiting.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const state = /name="state" value="([^"]+)"/.exec(String(waiting.body))?.[1] ?? '';
  expect(state).not.toBe('');
  const statuses: number[] = [];
  for (let count = 0; count < 210; count += 1) {
    statuses.push((await platform.call(undefined, 'GET', startOf(1))).status);
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(20);
  const refused = await platform.call(undefined, 'GET', startOf(1));
  expect([refused.status, String(refused.body)]).toEqual([429, expect.stringContaining('http://localhost:1')]);
  const finished = await platform.call(undefined, 'POST', '/oauth/sign-in', {
    headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ state, email: 'dev@example.com' }).toString(),
  });
  expect(finished.status).toBe(303);
});

test('a page of another site begins none behind a person’s back; a link does', async () => {
  const platform = await startTestPlatform({ modules: [] });
  const from = async (site: string, kind: string): Promise<number> => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-dest': kind };
    return (await platform.call(undefined, 'GET', startOf(1), { headers })).status;
  };
  expect(await from('cross-site', 'image')).toBe(403);
  expect(await from('cross-site', 'iframe')).toBe(403);
  expect(await from('same-site', 'image')).toBe(403);
  expect(await from('cross-site', 'document')).toBe(200);
  expect(await from('none', 'document')).toBe(200);
});

test('no number of other device codes takes one away', async () => {
  const platform = await startTestPlatform({ modules: [] });
  const ask = (path: string, fields: Record<string, string>) =>
    platform.call(undefined, 'POST', path, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
  const code = (client: string) => ask('/oauth/device/code', { client_id: client, scope: 'openid' });
  const first = (await code('mine')).body;
  const answers = [];
  for (let count = 0; count < 210; count += 1) answers.push(await code('others'));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(200);
  expect(answers.at(-1)?.body.error).toBe('slow_down');
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'mine' };
  const poll = await ask('/oauth/token', { ...grant, device_code: first.device_code });
  expect(poll.body.error).toBe('authorization_pending');
});

describe('a hundred wrong user codes', () => {
  const start = (dataDir = temporaryFolder(), asksForCode = false) =>
    startTestPlatform({ modules: [], dataDir, asksForCode });
  const guess = (platform: TestPlatform, from: { address?: string; cookie?: string }) =>
    new Promise<[status: number | undefined, page: string]>((resolve, reject) => {
      const headers = { ...(from.cookie === undefined ? {} : { cookie: from.cookie }) };
      const options = { method: 'POST', headers, agent: false, localAddress: from.address ?? '127.0.0.1' };
      const call = request(`${platform.urls.issuer}/activate`, options, (response) => {
        let page = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          page += chunk;
        });
        response.once('end', () => resolve([response.statusCode, page]));
      });
      call.once('error', reject);
      call.end('user_code=AAAA-AAAA');
    });
  const guessAll = async (platform: TestPlatform, from: { address?: string; cookie?: string }) => {
    for (let tries = 0; tries < 100; tries += 1) expect((await guess(platform, from))[0]).toBe(400);
    expect(await guess(platform, from)).toEqual([429, expect.stringContaining('A hundred wrong ones')]);
  };

  test('end the tries of the browser that typed them, and of no other', async () => {
    const dataDir = temporaryFolder();
    const platform = await start(dataDir, true);
    const browser = async () => {
      const body = new URLSearchParams({ code: readSignInCode(dataDir) ?? '' }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const shown = await platform.call(undefined, 'POST', '/oauth/code', { body, headers });
      return (shown.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    };
    const [one, other] = [await browser(), await browser()];
    await guessAll(platform, { cookie: one });
    expect((await guess(platform, { cookie: one, address: '127.0.0.2' }))[0]).toBe(429);
    expect((await guess(platform, { cookie: other }))[0]).toBe(400);
  });

  test('end the tries of an address, where no browser is known', async () => {
    const platform = await start();
    await guessAll(platform, { address: '127.0.0.2' });
    expect((await guess(platform, { address: '127.0.0.2', cookie: 'chainctl-sign-in-code=made-up' }))[0]).toBe(429);
    expect((await guess(platform, { address: '127.0.0.3' }))[0]).toBe(400);
  });

  test('are not counted when another site sends them', async () => {
    const platform = await start();
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' };
    for (let tries = 0; tries < 101; tries += 1) {
      const body = 'user_code=AAAA-AAAA';
      expect((await platform.call(undefined, 'POST', '/activate', { body, headers })).status).toBe(403);
    }
    expect((await guess(platform, {}))[0]).toBe(400);
  });
});
