// Sign-in through an organization's own provider, in a real Chromium, with a certified OpenID provider that runs as a
// process of its own. Set SCREENSHOTS to a folder to keep pictures.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodeClaims } from '../../src/auth/jwt.ts';
import { builtInRoleId, organization, personId } from '../support/ids.ts';
import { startTestPlatform, temporaryFolder } from '../support/platform.ts';
import { projectRoot } from '../support/program.ts';
import { runCli } from '../support/run-cli.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
});

afterAll(() => browser?.close());

const machineClock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };
const secret = 'a secret with / and : in it';

async function startProvider(clients: readonly object[], front: boolean): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      join(projectRoot, 'test', 'support', 'oidc-provider-worker.ts'),
      JSON.stringify({ clients, front }),
    ],
    { cwd: projectRoot, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  onTestFinished(() => void child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the provider ended with ${code}`)));
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
  });
}

interface OidcFields {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly pkceEnabled: boolean;
}

async function world(front = false) {
  const platform = await startTestPlatform({ clock: machineClock });
  const redirect_uris = [`${platform.urls.issuer}/oauth/callback`];
  const client = { redirect_uris, grant_types: ['authorization_code'], response_types: ['code'] };
  const clients = [
    { ...client, client_id: 'secret', client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' },
    { ...client, client_id: 'form', client_secret: secret, token_endpoint_auth_method: 'client_secret_post' },
    { ...client, client_id: 'public', token_endpoint_auth_method: 'none' },
  ];
  const issuer = await startProvider(clients, front);
  platform.store.transact((tx) => tx.run('UPDATE groups SET verified = 1 WHERE id = ?', organization));
  const owner = await platform.token(personId('dev@example.com'));
  const provider = async (name: string, oidc: OidcFields): Promise<string> => {
    const body = {
      name,
      defaultRole: builtInRoleId('viewer'),
      oidc: { issuer, groupsClaim: 'groups', additionalScopes: ['groups'], ...oidc },
    };
    const made = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${organization}`, { body });
    expect(made.status, JSON.stringify(made.body)).toBe(200);
    return made.body.id;
  };
  const mapping = async (id: string, group: string, role: string) => {
    const body = { externalGroupId: group, roleUidp: builtInRoleId(role), scope: organization };
    const made = await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, { body });
    expect(made.status, JSON.stringify(made.body)).toBe(200);
  };
  const folder = temporaryFolder();
  const env = {
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    CHAINGUARD_PLATFORM_API: platform.urls.api,
    CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
    CHAINGUARD_AUTH_TOKEN_STORE: 'file',
  };
  const run = (argv: readonly string[], drive?: (page: Page) => Promise<void>) => {
    let visit: Promise<void> = Promise.resolve();
    const done = runCli(argv, {
      env,
      tty: true,
      browser: (url) => {
        visit = inBrowser(url, drive ?? (async () => {}));
        return true;
      },
    });
    return Promise.all([done, done.then(() => visit)]).then(([result]) => result);
  };
  return { platform, issuer, provider, mapping, run, folder };
}

async function inBrowser(url: string, drive: (page: Page) => Promise<void>): Promise<void> {
  const context: BrowserContext = await browser.newContext({ reducedMotion: 'reduce' });
  try {
    const page = await context.newPage();
    await page.goto(url);
    await drive(page);
  } finally {
    await context.close();
  }
}

/** The provider's own pages: any password, then yes to what is asked. */
const signIn = (email: string) => async (page: Page) => {
  await page.fill('input[name=login]', email);
  await page.fill('input[name=password]', 'x');
  await page.click('button[type=submit]');
  await page.click('button[type=submit]');
  await page.waitForSelector('h1:has-text("You are logged in")');
};

describe('an organization’s own provider', () => {
  test.each([
    ['a client secret in the header', { clientId: 'secret', clientSecret: secret, pkceEnabled: false }],
    ['a client secret and PKCE', { clientId: 'secret', clientSecret: secret, pkceEnabled: true }],
    ['PKCE alone', { clientId: 'public', pkceEnabled: true }],
  ])('with %s: the first login makes the account and gives it the default role', async (_, oidc) => {
    const w = await world();
    const id = await w.provider('company', oidc);
    const done = await w.run(['auth', 'login', '--identity-provider', id], signIn('new@company.test'));
    expect(done, done.err).toMatchObject({ code: 0 });
    const status = JSON.parse((await w.run(['auth', 'status', '-o', 'json'])).out);
    expect(status).toMatchObject({ email: 'new@company.test', capabilities: { 'example.com': 'viewer' } });
    const { sub } = decodeClaims((await w.run(['auth', 'token'])).out) ?? {};
    expect(sub).toMatch(/^[0-9a-f]{40}$/);
    // Without roles from groups the session can be refreshed.
    expect(done.host.stderr.text + done.out).not.toContain('eyJ');
    const again = await w.run(['auth', 'login', '--org-name=example.com'], signIn('new@company.test'));
    expect(again, again.err).toMatchObject({ code: 0 });
    expect(decodeClaims((await w.run(['auth', 'token'])).out)?.sub).toBe(sub);
  });

  test('groups give roles for the session, and such a session has no refresh token', async () => {
    const w = await world();
    const id = await w.provider('company', { clientId: 'public', pkceEnabled: true });
    await w.mapping(id, 'admins', 'owner');
    const { readdirSync } = await import('node:fs');
    const refreshFiles = () =>
      readdirSync(join(w.folder, 'cache'), { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('refresh-token'),
      );
    const plain = await w.run(['auth', 'login', '--identity-provider', id], signIn('someone@company.test'));
    expect(plain, plain.err).toMatchObject({ code: 0 });
    expect(refreshFiles()).toHaveLength(1);
    const admin = await w.run(['auth', 'login', '--identity-provider', id], signIn('admin@company.test'));
    expect(admin, admin.err).toMatchObject({ code: 0 });
    expect(refreshFiles()).toEqual([]);
    const { out: token } = await w.run(['auth', 'token']);
    const body = { name: 'from-groups' };
    expect((await w.platform.call(token, 'POST', `/iam/v1/groups/${organization}`, { body })).status).toBe(200);
    // Not a role binding of its own (protocols 9).
    const bindings = w.platform.store.read((tx) =>
      tx.all(
        'SELECT r.name FROM role_bindings b JOIN roles r ON r.id = b.role JOIN identities i ON i.id = b.identity WHERE i.email = ?',
        'admin@company.test',
      ),
    );
    expect(bindings.map((row) => row['name'])).toEqual(['viewer']);
  });

  test.each([
    ['at its issuer', false],
    ['at another address, which sends the browser on', true],
  ])('on another device, signing in %s: the check is shown before the browser leaves', async (_, front) => {
    const w = await world(front);
    const id = await w.provider('the company', { clientId: 'public', pkceEnabled: true });
    const { createHeadlessKey, headlessCheck, openHeadless } = await import('../../src/api/headless.ts');
    const key = createHeadlessKey();
    const { issuer } = w.platform.urls;
    await inBrowser(`${issuer}/oauth?headless_code=${key.code}&idp_id=example.com`, async (page) => {
      const visited: string[] = [];
      page.on('request', (request) => visited.push(new URL(request.url()).hostname));
      await page.waitForSelector(`text=${headlessCheck(key.code)}`);
      if (process.env['SCREENSHOTS']) await page.screenshot({ path: join(process.env['SCREENSHOTS'], 'leave.png') });
      await page.click('a:has-text("Continue with the company")');
      await page.fill('input[name=login]', 'far@company.test');
      await page.fill('input[name=password]', 'x');
      await page.click('button[type=submit]');
      await page.click('button[type=submit]');
      await page.waitForSelector('h1:has-text("You are signed in")');
      expect(visited.includes('localhost')).toBe(front);
    });
    const session = await w.platform.call(undefined, 'GET', `/sts/headless_sessions?code=${key.code}`);
    const idToken = openHeadless(key, session.body);
    expect(decodeClaims(idToken)).toMatchObject({ sub: 'far@company.test', aud: 'public' });
    const query = new URLSearchParams({ aud: w.platform.urls.api, identity_provider: id });
    const answer = await fetch(`${issuer}/sts/exchange?${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${idToken}` },
    });
    expect(answer.status).toBe(200);
  });

  test('a login that the person gives up at the provider, and one with a wrong secret, say so', async () => {
    const w = await world();
    const id = await w.provider('company', { clientId: 'secret', clientSecret: 'wrong', pkceEnabled: false });
    const cancelled = await w.run(['auth', 'login', '--identity-provider', id], async (page) => {
      await page.click('a:has-text("Cancel")');
      await page.waitForURL(/localhost/);
    });
    expect(cancelled).toMatchObject({ code: 4, out: '' });
    expect(cancelled.err).toContain('The login was refused: the identity provider refused the sign-in');
    const wrong = await w.run(['auth', 'login', '--identity-provider', id], async (page) => {
      await page.fill('input[name=login]', 'x@company.test');
      await page.fill('input[name=password]', 'x');
      await page.click('button[type=submit]');
      await page.click('button[type=submit]');
      await page.waitForURL(/localhost/);
    });
    expect(wrong.code).toBe(4);
    expect(wrong.err).toContain('the identity provider does not accept the client id and secret');
  });

  test('a callback in another browser, with another state, or used again is refused', async () => {
    const w = await world();
    const id = await w.provider('company', { clientId: 'public', pkceEnabled: true });
    const { issuer } = w.platform.urls;
    const redirect = encodeURIComponent('http://localhost:9/callback?token=true&error=true');
    const start = await fetch(`${issuer}/oauth?idp_id=${encodeURIComponent(id)}&redirect=${redirect}`, {
      redirect: 'manual',
    });
    expect(start.status).toBe(303);
    const leaving = new URL(start.headers.get('location') ?? '');
    expect(leaving.origin).toBe(w.issuer);
    expect(leaving.searchParams.get('code_challenge_method')).toBe('S256');
    expect(leaving.searchParams.get('nonce')).toMatch(/^[\w-]{43}$/);
    const state = leaving.searchParams.get('state') ?? '';
    const cookie = (start.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const back = (query: string, headers: Record<string, string>) =>
      fetch(`${issuer}/oauth/callback?${query}`, { redirect: 'manual', headers });
    expect((await back(`code=x&state=${state}`, {})).status).toBe(403);
    expect((await back('code=x&state=foreign', { cookie })).status).toBe(400);
    const used = await back(`code=x&state=${state}`, { cookie });
    expect(new URL(used.headers.get('location') ?? '').searchParams.get('status_code')).toBe('403');
    expect((await back(`code=x&state=${state}`, { cookie })).status).toBe(400);
  });

  test('orgcheck is true for a verified organization with a provider and for nobody else', async () => {
    const w = await world();
    const check = async (name: string) => (await w.platform.call(undefined, 'GET', `/orgcheck?name=${name}`)).body;
    expect(await check('example.com')).toBe(false);
    await w.provider('company', { clientId: 'public', pkceEnabled: true });
    expect(await check('example.com')).toBe(true);
    expect(await check('nobody.test')).toBe(false);
    w.platform.store.transact((tx) => tx.run('UPDATE groups SET verified = 0 WHERE id = ?', organization));
    expect(await check('example.com')).toBe(false);
    const refused = await w.run(['auth', 'login', '--org-name=example.com']);
    expect(refused.err).toContain('is not verified, or has no identity provider');
  });
});
