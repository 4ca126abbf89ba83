// Another user of the machine reaches the platform's port, and must not become anybody by it.

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSignInCode } from '../../src/local/sign-in-code.ts';
import { startTestPlatform, TestClock, type TestPlatform, temporaryFolder } from '../support/platform.ts';

const redirect = 'http://localhost:44723/callback?token=true&error=true';
const wanted = `/oauth?${new URLSearchParams({ exit: 'redirect', client_id: 'auth0', redirect })}`;

const visit = (platform: TestPlatform, path: string, cookie = '') =>
  fetch(`${platform.urls.issuer}${path}`, { redirect: 'manual', headers: { cookie } });

const show = (platform: TestPlatform, code: string, next = wanted, headers: Record<string, string> = {}) =>
  fetch(`${platform.urls.issuer}/oauth/code`, {
    method: 'POST',
    redirect: 'manual',
    headers,
    body: new URLSearchParams({ code, next }),
  });

test('nobody without it is shown whom to be, and no sign-in begins', async () => {
  const platform = await startTestPlatform({ modules: [], asksForCode: true });
  for (const path of [wanted, '/activate', '/activate?user_code=AAAA-BBBB']) {
    const page = await visit(platform, path);
    const html = await page.text();
    expect(html).toContain('Is this your platform?');
    expect(html).not.toMatch(/name="state"|dev@example\.com/);
    expect(page.headers.get('set-cookie')).toBeNull();
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  }
  const form = new URLSearchParams({ state: 'x', email: 'dev@example.com' });
  const blind = await fetch(`${platform.urls.issuer}/oauth/sign-in`, { method: 'POST', body: form });
  expect(blind.status).toBe(400);
  const device = await fetch(`${platform.urls.issuer}/activate`, {
    method: 'POST',
    body: new URLSearchParams({ user_code: 'AAAA-BBBB' }),
  });
  expect(await device.text()).toContain('Is this your platform?');
});

test('whoever shows it goes on where the sign-in was, in that browser only', async () => {
  const platform = await startTestPlatform({ modules: [], asksForCode: true });
  const code = readSignInCode(platform.dataDir) ?? '';
  expect(Buffer.from(code, 'base64url')).toHaveLength(16);
  expect(statSync(join(platform.dataDir, 'sign-in-code')).mode & 0o777).toBe(0o600);
  // From a file it is another site to the browser.
  const shown = await show(platform, code, wanted, {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-dest': 'document',
  });
  expect([shown.status, shown.headers.get('location')]).toEqual([303, wanted]);
  const cookie = shown.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/);
  expect(cookie).not.toContain(code);
  const page = await (await visit(platform, wanted, cookie.split(';')[0])).text();
  expect(page).toContain('dev@example.com');
  expect(await (await visit(platform, wanted, `${cookie.split('=')[0]}=guess`)).text()).not.toContain('dev@');
  expect(JSON.stringify(platform.log)).not.toContain(code);
  // Not behind a person's back, where another site could use the tries up.
  const embedded = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' };
  expect((await show(platform, code, wanted, embedded)).status).toBe(403);
  // Nowhere else.
  for (const next of ['https://evil.example/', '//evil.example', '/oauth/../x', '/iam/v1/groups', '/oauth?\r\nx: y']) {
    expect((await show(platform, code, next)).headers.get('location'), next).toBe('/oauth');
  }
});

test('it cannot be tried without end, and stays from start to start', async () => {
  const clock = new TestClock();
  const dataDir = temporaryFolder();
  const platform = await startTestPlatform({ modules: [], asksForCode: true, clock, dataDir });
  const code = readSignInCode(dataDir) ?? '';
  for (let tries = 0; tries < 50; tries += 1) expect((await show(platform, `${code}x`)).status).toBe(403);
  expect((await show(platform, code)).status).toBe(429);
  clock.advance(10 * 60_000);
  expect((await show(platform, code)).status).toBe(303);
  await platform.stop();
  await startTestPlatform({ modules: [], asksForCode: true, dataDir });
  expect(readSignInCode(dataDir)).toBe(code);
});

test('a platform that asks for none names none', async () => {
  const dataDir = temporaryFolder();
  writeFileSync(join(dataDir, 'sign-in-code'), 'A'.repeat(22));
  const platform = await startTestPlatform({ modules: [], dataDir });
  expect(readSignInCode(dataDir)).toBeUndefined();
  expect(await (await visit(platform, wanted)).text()).toContain('dev@example.com');
});
