// The waiting side of the browser login, met by browsers and by others.

import { request as httpRequest } from 'node:http';
import { expect, test, vi } from 'vitest';
import { type BrowserLoginRequest, browserLogin, finishedPage, oauthUrl } from '../../src/auth/browser-login.ts';
import { fakeHost } from '../support/fake-host.ts';

// Processes and sockets on a machine that others use as well.
vi.setConfig({ testTimeout: 30_000 });

const base: BrowserLoginRequest = {
  issuer: 'https://issuer.example',
  audience: ['https://api.example'],
  provider: { kind: 'default' },
  skipRegistration: true,
  createRefreshToken: true,
};

interface Waiting {
  /** Where the issuer would send the browser, secret included. */
  readonly redirect: URL;
  readonly result: ReturnType<typeof browserLogin>;
  readonly stderr: () => string;
  get(path: string, host?: string, method?: string): Promise<{ status: number; text: string; headers: Headers }>;
}

async function wait(more: Partial<BrowserLoginRequest> = {}): Promise<Waiting> {
  const opened: string[] = [];
  const host = fakeHost({ browser: (url) => opened.push(url) > 0 });
  const result = browserLogin(host, { ...base, ...more });
  result.catch(() => {});
  while (opened.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const redirect = new URL(new URL(opened[0] ?? '').searchParams.get('redirect') ?? '');
  return { redirect, result, stderr: () => host.stderr.text, get: (...words) => get(redirect.port, ...words) };
}

function get(port: string, path: string, host = `localhost:${port}`, method = 'GET') {
  return new Promise<{ status: number; text: string; headers: Headers }>((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers: { host } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const headers = new Headers();
        for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
        resolve({ status: response.statusCode ?? 0, text, headers });
      });
    });
    outgoing.on('error', reject).end();
  });
}

const callback = ({ redirect }: Waiting, query: string) =>
  `/callback?state=${redirect.searchParams.get('state')}&${query}`;

test('the address: parameters by name, sorted, the redirect inside', () => {
  expect(
    oauthUrl(
      { ...base, provider: { kind: 'default', connection: 'google-oauth2' } },
      'http://localhost:1/callback?token=true&error=true',
    ),
  ).toBe(
    'https://issuer.example/oauth?audience=https%3A%2F%2Fapi.example&client_id=auth0&connection=google-oauth2&create_refresh_token=true' +
      '&exit=redirect&redirect=http%3A%2F%2Flocalhost%3A1%2Fcallback%3Ftoken%3Dtrue%26error%3Dtrue&skip_registration=true',
  );
  const query = (request: Partial<BrowserLoginRequest>) =>
    Object.fromEntries(
      new URL(oauthUrl({ ...base, skipRegistration: false, createRefreshToken: false, ...request }, 'r')).searchParams,
    );
  const always = { audience: 'https://api.example', exit: 'redirect', redirect: 'r' };
  expect(query({ provider: { kind: 'idp', id: 'x' } })).toEqual({ ...always, idp_id: 'x' });
  expect(query({ provider: { kind: 'org', name: 'example.com' }, audience: ['a', 'b'] })).toEqual({
    ...always,
    audience: 'a,b',
    idp_id: 'example.com',
  });
  expect(query({ identity: 'i', inviteCode: 'c', screenHint: 'signup' })).toEqual({
    ...always,
    client_id: 'auth0',
    identity: 'i',
    invite: 'c',
    screen_hint: 'signup',
  });
});

test('a good answer: 308 to the bare address, then the page, then the token', async () => {
  const waiting = await wait();
  expect(waiting.redirect.href).toMatch(/^http:\/\/localhost:\d+\/callback\?token=true&error=true&state=[\w-]{43}$/);
  expect((await waiting.get('/')).status).toBe(404);
  const answer = await waiting.get(callback(waiting, 'token=a.b.c&refresh_token=r'));
  expect(answer.status).toBe(308);
  expect(answer.headers.get('location')).toBe(`http://localhost:${waiting.redirect.port}/`);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
  // Only the first answer counts.
  expect((await waiting.get(callback(waiting, 'token=x.y.z'))).status).toBe(409);
  const page = await waiting.get('/');
  expect(page.status).toBe(200);
  expect(page.text).toContain('You are logged in');
  expect(page.text).not.toContain('<script');
  expect(page.headers.get('content-security-policy')).not.toContain('script-src');
  expect(await waiting.result).toEqual({ token: 'a.b.c', refreshToken: 'r' });
  await expect(waiting.get('/')).rejects.toThrow();
});

test('a browser that leaves after the answer does not hold up the login', async () => {
  const waiting = await wait();
  await waiting.get(callback(waiting, 'token=a.b.c'));
  expect(await waiting.result).toEqual({ token: 'a.b.c', refreshToken: undefined });
}, 10_000);

test('an answer without this login’s secret, or with another, is ignored, said once, and waited past', async () => {
  const waiting = await wait();
  for (const query of [
    'token=evil',
    'token=evil&state=',
    `token=evil&state=${'x'.repeat(43)}`,
    'error=no&status_code=404',
  ]) {
    expect((await waiting.get(`/callback?${query}`)).status).toBe(400);
  }
  expect(waiting.stderr().match(/Ignored an answer/g)).toHaveLength(1);
  await waiting.get(callback(waiting, 'token=a.b.c'));
  await waiting.get('/');
  expect((await waiting.result).token).toBe('a.b.c');
});

test('issuers that drop the secret are served when asked to', async () => {
  const waiting = await wait({ acceptWithoutState: true });
  expect((await waiting.get('/callback?token=a.b.c&state=wrong')).status).toBe(400);
  expect((await waiting.get('/callback?token=a.b.c')).status).toBe(308);
  await waiting.get('/');
  expect((await waiting.result).token).toBe('a.b.c');
});

test('other names, methods and paths are turned away', async () => {
  const waiting = await wait();
  const good = callback(waiting, 'token=a.b.c');
  expect((await waiting.get(good, `evil.example:${waiting.redirect.port}`)).status).toBe(403);
  expect((await waiting.get(good, 'localhost')).status).toBe(403);
  expect((await waiting.get(good, undefined, 'POST')).status).toBe(405);
  for (const path of ['/favicon.ico', '//', '/callback', '/callback/../x', '/%']) {
    expect((await waiting.get(path)).status, path).toBe(404);
  }
  for (const name of ['127.0.0.1', '[::1]']) {
    expect((await waiting.get('/x', `${name}:${waiting.redirect.port}`)).status).toBe(404);
  }
  await waiting.get(good);
  await waiting.get('/');
  await waiting.result;
});

test('both loopback addresses answer on one port', async () => {
  const waiting = await wait();
  const response = await fetch(`http://[::1]:${waiting.redirect.port}/x`).catch((error: Error) => error);
  const v6 = await import('node:os').then(({ networkInterfaces }) =>
    Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1')),
  );
  if (v6) expect(response).toMatchObject({ status: 404 });
  await waiting.get(callback(waiting, 'token=a.b.c'));
  await waiting.get('/');
  await waiting.result;
});

test('refusals: no account is its own error, others carry the issuer’s words, cleaned', async () => {
  const unknown = await wait();
  const page = await unknown.get(callback(unknown, 'error=not+found&status_code=404'));
  expect(page.status).toBe(404);
  expect(page.text).toContain('<h1>You have no account yet</h1>');
  expect(page.text).toContain('go back to your terminal');
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'nonce-[^']+'; frame-anc/,
  );
  await expect(unknown.result).rejects.toMatchObject({ kind: 'auth', code: 'auth.no-account' });

  const denied = await wait();
  const query = 'error=not%1b%5B2J%3Cimg+src=x%3Etoday%0A&status_code=403';
  const body = (await denied.get(callback(denied, query))).text;
  expect(body).toContain('<p>The login was refused: not [2J&#60;img src=x&#62;today.</p>');
  await expect(denied.result).rejects.toMatchObject({
    code: 'auth.denied',
    message: 'The login was refused: not [2J<img src=x>today',
  });

  // `token=true` is what the client itself put there.
  const empty = await wait();
  expect((await empty.get(callback(empty, 'token=true&error=true'))).text).toContain('<p>The login was refused.</p>');
  await expect(empty.result).rejects.toMatchObject({
    code: 'auth.denied',
    message: 'The login was refused: no reason was given',
  });
});

test('no wait is for ever', async () => {
  const slow = await wait({ timeoutMs: 100 });
  await expect(slow.result).rejects.toMatchObject({ kind: 'timeout', code: 'auth.login-timeout' });
  const controller = new AbortController();
  const aborted = await wait({ signal: controller.signal });
  controller.abort(new Error('interrupted'));
  await expect(aborted.result).rejects.toThrow('interrupted');
  await expect(aborted.get('/')).rejects.toThrow();
});

test('the page counts down only when it is told to', () => {
  expect(finishedPage(undefined, 'n')).not.toContain('<script');
  expect(finishedPage(7, 'n')).toContain('let left = 7;');
  expect(finishedPage(7, 'n')).toContain('window.close()');
});
