// Logins kept fresh by a process that stays, against the real issuer of a local platform, with both clocks moved by hand.

import { afterEach, expect, test, vi } from 'vitest';
import { closeTransport } from '../../src/api/transport.ts';
import { login } from '../../src/auth/login.ts';
import { accessToken } from '../../src/auth/session.ts';
import { deleteTokens, readTokens, remainingMs } from '../../src/auth/token-cache.ts';
import { refreshTokensUntilStopped, whyNotRenewable } from '../../src/auth/token-refresher.ts';
import { loadConfig } from '../../src/config/load.ts';
import { developerToken, mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { signInAs } from '../support/browser.ts';
import { FakeHost } from '../support/fake-host.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';

vi.setConfig({ testTimeout: 30_000 });

class RestlessHost extends FakeHost {
  clock = new TestClock();
  onSleep: (count: number) => Promise<void> | void = () => {};
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // Rows hold whole milliseconds.
    this.clock.advance(Math.ceil(ms));
    await super.sleep(Math.ceil(ms), signal);
    await this.onSleep(this.sleeps.length);
    signal?.throwIfAborted();
  }
  /** As a machine that was suspended. */
  suspend(ms: number): void {
    this.clock.advance(ms);
    this.advance(ms);
  }
}

const hosts: FakeHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) {
    await closeTransport(host);
    host.dispose();
  }
});

async function world() {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const { api, issuer, registry } = platform.urls;
  const env = {
    CHAINGUARD_PLATFORM_API: api,
    CHAINGUARD_PLATFORM_ISSUER: issuer,
    CHAINGUARD_PLATFORM_REGISTRY: registry,
  };
  const host = new RestlessHost({
    now: clock.now(),
    env,
    browser: (url) => signInAs(url, 'dev@example.com').then(() => true),
  });
  host.clock = clock;
  hosts.push(host);
  const config = await loadConfig(host);
  await login(host, config);
  const controller = new AbortController();
  const lines: string[] = [];
  const keep = (which: 'api' | 'all' = 'api') =>
    refreshTokensUntilStopped(host, config, {
      audiences: which === 'all' ? undefined : [api],
      issuer,
      signal: controller.signal,
      note: (line) => lines.push(line),
      warn: (line) => lines.push(`warning: ${line}`),
    });
  const refreshes = () => platform.log.filter(({ path }) => path === '/sts/exchange_refresh_token').length;
  return { platform, clock, host, config, api, controller, lines, keep, refreshes };
}

const minute = 60_000;

test('renews five minutes before the end, hour after hour, and ends when it is told to', async () => {
  const w = await world();
  const least: number[] = [];
  w.host.onSleep = (count) => {
    least.push(remainingMs(w.host.now(), readTokens(w.host, w.api).token));
    if (count === 180) w.controller.abort();
  };
  await w.keep();
  expect(w.refreshes()).toBe(3);
  expect(Math.min(...least)).toBeGreaterThanOrEqual(4 * minute);
  expect(Math.max(...w.host.sleeps)).toBeLessThanOrEqual(minute);
  expect(w.lines[0]).toMatch(/^Renewed the token for "http:.*"; it is good until 20\d\d-/);
});

test('after a night asleep the token is renewed within a minute', async () => {
  const w = await world();
  w.host.onSleep = (count) => {
    if (count === 3) w.host.suspend(8 * 60 * minute);
    if (count === 5) w.controller.abort();
  };
  await w.keep();
  expect(w.refreshes()).toBe(1);
  expect(remainingMs(w.host.now(), readTokens(w.host, w.api).token)).toBeGreaterThan(50 * minute);
});

test('an issuer that is gone is asked again, said once, and found again', async () => {
  const w = await world();
  const issuer = w.platform.urls.issuer;
  let away = true;
  w.host.suspend(56 * minute);
  w.host.onSleep = (count) => {
    if (count === 8) away = false;
    if (count === 100 || w.lines.at(-1)?.startsWith('Renewed')) w.controller.abort();
  };
  const { createServer } = await import('node:http');
  const outage = createServer((request, response) => {
    if (away) return void request.socket.destroy();
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', async () => {
      const answer = await fetch(`${issuer}${request.url}`, {
        method: request.method ?? 'GET',
        headers: {
          authorization: request.headers.authorization ?? '',
          'content-type': request.headers['content-type'] ?? '',
        },
        body: Buffer.concat(body),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    });
  });
  await new Promise<void>((resolve) => outage.listen(0, '127.0.0.1', resolve));
  const address = outage.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  // The login came from the real address, and is sent to no other; so the record is made to name the way through.
  const { readFileSync, writeFileSync } = await import('node:fs');
  const { audiencePath } = await import('../../src/auth/token-cache.ts');
  const record = `${audiencePath(w.host, w.api)}/login.json`;
  writeFileSync(record, readFileSync(record, 'utf8').replace(issuer, `http://127.0.0.1:${port}`), { mode: 0o600 });
  await refreshTokensUntilStopped(w.host, w.config, {
    audiences: [w.api],
    issuer: `http://127.0.0.1:${port}`,
    signal: w.controller.signal,
    note: (line) => w.lines.push(line),
    warn: (line) => w.lines.push(`warning: ${line}`),
  });
  outage.close();
  outage.closeAllConnections();
  expect(w.lines.filter((line) => line.startsWith('warning: '))).toHaveLength(1);
  expect(w.lines.at(-1)).toMatch(/^Renewed/);
  expect(w.refreshes()).toBe(1);
});

test('a session that was revoked ends it with the words of the issuer', async () => {
  const w = await world();
  // The thief's copy is used first; the owner's second use ends the family.
  const stolen = readTokens(w.host, w.api).refreshToken ?? '';
  const use = (token: string) =>
    fetch(`${w.platform.urls.issuer}/sts/exchange_refresh_token?aud=${encodeURIComponent(w.api)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
  const thief = (await (await use(stolen)).json()) as { refreshToken: { token: string } };
  w.host.suspend(56 * minute);
  await expect(w.keep()).rejects.toMatchObject({ kind: 'auth', details: [expect.stringContaining('used before')] });
  expect((await use(thief.refreshToken.token)).status).toBe(401);
  expect(readTokens(w.host, w.api).refreshToken).toBeUndefined();
});

test('all of the cache: what comes later is found, what goes is let go, a dead one does not stop the others', async () => {
  const w = await world();
  const { host: registry } = new URL(w.platform.urls.registry);
  w.host.onSleep = async (count) => {
    if (count === 2) await accessToken(w.host, w.config, registry);
    if (count === 120) deleteTokens(w.host, registry);
    if (count === 121) w.controller.abort();
  };
  await w.keep('all');
  const renewed = (audience: string) => w.lines.filter((line) => line.includes(`"${audience}"; it is good`)).length;
  expect([renewed(w.api), renewed(registry)]).toEqual([2, 2]);
});

const idToken = ({ platform, clock }: Awaited<ReturnType<typeof world>>) =>
  mintThirdPartyToken(platform.store, {
    ...developerToken('dev@example.com'),
    audience: platform.urls.issuer,
    now: clock.now(),
  });

test('a login that cannot be renewed is known at once', async () => {
  const w = await world();
  expect(whyNotRenewable(w.host, w.api)).toBeUndefined();
  expect(whyNotRenewable(w.host, 'other')).toContain('there is no login');
  await login(w.host, w.config, { identityToken: await idToken(w) });
  expect(whyNotRenewable(w.host, w.api)).toContain('left nothing to renew it with');
});
