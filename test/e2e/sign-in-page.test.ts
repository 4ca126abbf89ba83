// The sign-in page in a real Chromium, without scripts: by mouse, by keyboard, in light, dark and narrow, and to the
// end at a program that waits. Set SCREENSHOTS to a folder to keep pictures of it.

import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeJwt } from 'jose';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createHeadlessKey, headlessCheck } from '../../src/api/headless.ts';
import { browserLogin, finishedPage, messagePage } from '../../src/auth/browser-login.ts';
import { readSignInCode } from '../../src/local/sign-in-code.ts';
import { fakeHost } from '../support/fake-host.ts';
import { builtInRoleId, demoOrganizations, personId } from '../support/ids.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { startTestPlatform, type TestPlatform, temporaryFolder } from '../support/platform.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});

afterAll(() => browser?.close());

interface Waiting {
  /** What the issuer is given as `redirect`. */
  readonly redirect: string;
  /** Queries that came to the callback. */
  readonly results: URLSearchParams[];
}

/** A program that waits for a login as chainctl does: token out of the address bar, then a page (protocols 1.3). */
async function waitForLogin(host = '127.0.0.1'): Promise<Waiting> {
  const results: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    if (url.pathname !== '/callback') return void response.end('<!doctype html><title>Done</title><h1>Signed in</h1>');
    results.push(url.searchParams);
    response.writeHead(308, { location: `http://localhost:${port}/` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const name = host === '::1' ? '[::1]' : 'localhost';
  return { redirect: `http://${name}:${port}/callback?token=true&error=true&state=kept`, results };
}

/** Opens the page; fails the test when the browser has anything to complain about. */
async function open(
  platform: TestPlatform,
  redirect: string,
  { parameters = {}, ...options }: BrowserContextOptions & { parameters?: Record<string, string> } = {},
): Promise<{ page: Page; context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({ javaScriptEnabled: false, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  const query = new URLSearchParams({
    exit: 'redirect',
    client_id: 'auth0',
    audience: platform.urls.api,
    create_refresh_token: 'true',
    redirect,
    ...parameters,
  });
  await page.goto(`${platform.urls.issuer}/oauth?${query}`);
  return { page, context, complaints };
}

function subjectOf(results: readonly URLSearchParams[]): string | undefined {
  return decodeJwt(results[0]?.get('token') ?? '').sub;
}

describe('the code of the owner', () => {
  test('is shown by a file that nobody else can read, and the login goes on by itself', async () => {
    const platform = await startTestPlatform({ asksForCode: true });
    const code = readSignInCode(platform.dataDir) ?? '';
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.url()} ${request.headers()['referer'] ?? ''}`));
    let opened = '';
    const host = fakeHost({
      env: { CHAINCTL_LOCAL_SIGN_IN_CODE: code },
      browser: (address) => {
        opened = address;
        return true;
      },
    });
    const login = browserLogin(host, {
      issuer: platform.urls.issuer,
      audience: [platform.urls.api],
      provider: { kind: 'default' },
      skipRegistration: true,
      createRefreshToken: true,
    });
    while (opened === '') await new Promise((resolve) => setTimeout(resolve, 10));
    const file = fileURLToPath(opened);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    await page.goto(opened);
    await page.getByRole('button', { name: /Dev Example/ }).click();
    expect(decodeJwt((await login).token).sub).toBe(personId('dev@example.com'));
    expect(existsSync(dirname(file))).toBe(false);
    expect(asked.join('\n')).not.toContain(code);
    expect(JSON.stringify(platform.log)).not.toContain(code);
    expect(host.stderr.text).not.toContain(code);
    // The same browser is not asked again.
    const { redirect } = await waitForLogin();
    await page.goto(`${platform.urls.issuer}/oauth?${new URLSearchParams({ client_id: 'auth0', redirect })}`);
    await page.getByRole('button', { name: /Dev Example/ }).waitFor();
  });

  test('is asked for by the page, which goes on where it was', async () => {
    const platform = await startTestPlatform({ asksForCode: true });
    const { redirect, results } = await waitForLogin();
    const { page, complaints } = await open(platform, redirect);
    await page.getByRole('heading', { name: 'Is this your platform?' }).waitFor();
    await page.screenshot({ path: join(process.env['SCREENSHOTS'] ?? temporaryFolder(), 'sign-in-code.png') });
    await page.getByLabel('Code').fill('not it');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Code').fill(readSignInCode(platform.dataDir) ?? '');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: /Dev Example/ }).click();
    await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    expect(subjectOf(results)).toBe(personId('dev@example.com'));
    expect(complaints.filter((line) => !line.includes('403'))).toEqual([]);
  });
});

test('a click on a person signs in as that person', async () => {
  const platform = await startTestPlatform();
  const { redirect, results } = await waitForLogin();
  const { page, complaints } = await open(platform, redirect);
  expect(await page.title()).toBe('Sign in – chainctl local platform');
  await page.getByRole('button', { name: /Dev Example/ }).click();
  await page.getByRole('heading', { name: 'Signed in' }).waitFor();
  expect(page.url()).toMatch(/^http:\/\/localhost:\d+\/$/);
  expect(results).toHaveLength(1);
  expect(subjectOf(results)).toBe(personId('dev@example.com'));
  expect(results[0]?.get('state')).toBe('kept');
  expect(results[0]?.get('refresh_token')).toMatch(/^[A-Za-z0-9+/]+=*$/);
  expect(complaints).toEqual([]);
});

test('everything can be reached and used with the keyboard, in the order of the page', async () => {
  const platform = await startTestPlatform();
  const { redirect, results } = await waitForLogin();
  const { page, complaints } = await open(platform, redirect);
  const stops: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    stops.push(/"([^"]*)"/.exec(await focused.ariaSnapshot())?.[1] ?? '');
    const outline = await focused.evaluate((element) => getComputedStyle(element).outlineStyle);
    expect([stops.at(-1), outline]).toEqual([stops.at(-1), 'solid']);
  }
  expect(stops).toEqual([
    'Dev Example dev@example.com owner of example.com',
    'Guest Example guest@example.com viewer of example.com',
    'Another e-mail address',
    'Continue',
    'Cancel sign-in',
  ]);
  await page.getByLabel('Another e-mail address').focus();
  await page.keyboard.type('keyboard@example.org');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Signed in' }).waitFor();
  expect(decodeJwt(results[0]?.get('token') ?? '')['email']).toBe('keyboard@example.org');
  expect(complaints).toEqual([]);
});

test('names and roles are there for screen readers', async () => {
  const platform = await startTestPlatform();
  const { redirect } = await waitForLogin();
  const { page } = await open(platform, redirect);
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
  expect(await page.getByRole('main').count()).toBe(1);
  expect(await page.getByRole('heading', { level: 1 }).allInnerTexts()).toEqual(['Sign in']);
  expect(await page.getByRole('region', { name: 'Continue as' }).count()).toBe(1);
  expect(await page.getByRole('listitem').count()).toBe(2);
  const names = [
    'Dev Example dev@example.com owner of example.com',
    'Guest Example guest@example.com viewer of example.com',
  ];
  for (const name of [...names, 'Continue', 'Cancel sign-in']) {
    expect([name, await page.getByRole('button', { name, exact: true }).count()]).toEqual([name, 1]);
  }
  const field = page.getByRole('textbox', { name: 'Another e-mail address' });
  expect(await field.getAttribute('type')).toBe('email');
  expect(await field.getAttribute('aria-describedby')).toBe('email-note');
  // Every control that a person sees has a name.
  for (const control of await page.locator('button, input:not([type=hidden])').all()) {
    await expect(control.ariaSnapshot()).resolves.toMatch(/^- (?:button|textbox) "[^"]+"/);
  }
});

test('cancelling tells the program that waits', async () => {
  const platform = await startTestPlatform();
  const { redirect, results } = await waitForLogin();
  const { page, complaints } = await open(platform, redirect);
  await page.getByRole('button', { name: 'Cancel sign-in' }).click();
  await page.waitForURL(/localhost:\d+\/$/);
  expect(results[0]?.get('status_code')).toBe('403');
  expect(results[0]?.has('token')).toBe(false);
  expect(complaints).toEqual([]);
});

test('a program that waits on IPv6 gets its token too', async () => {
  const platform = await startTestPlatform();
  const { redirect, results } = await waitForLogin('::1');
  const { page, complaints } = await open(platform, redirect);
  await page.getByRole('button', { name: /Guest Example/ }).click();
  await page.waitForURL(/localhost:\d+\/$/);
  expect(subjectOf(results)).toBe(personId('guest@example.com'));
  expect(complaints).toEqual([]);
});

test('two sign-ins can be open at once in one browser', async () => {
  const platform = await startTestPlatform();
  const first = await waitForLogin();
  const second = await waitForLogin();
  const { page, context } = await open(platform, first.redirect);
  const other = await context.newPage();
  const query = new URLSearchParams({ redirect: second.redirect, audience: 'cgr.dev' });
  await other.goto(`${platform.urls.issuer}/oauth?${query}`);
  await page.getByRole('button', { name: /Dev Example/ }).click();
  await page.waitForURL(/localhost:\d+\/$/);
  await other.getByRole('button', { name: /Guest Example/ }).click();
  await other.waitForURL(/localhost:\d+\/$/);
  expect(subjectOf(first.results)).toBe(personId('dev@example.com'));
  expect(subjectOf(second.results)).toBe(personId('guest@example.com'));
});

test('another site cannot finish a sign-in', async () => {
  const platform = await startTestPlatform();
  const { redirect, results } = await waitForLogin();
  const { page, context } = await open(platform, redirect);
  const state = (await page.locator('input[name=state]').first().getAttribute('value')) ?? '';
  const attacker = createServer((_, response) =>
    response.end(`<!doctype html><form method="post" action="${platform.urls.issuer}/oauth/sign-in">
      <input name="state" value="${state}"><input name="email" value="dev@example.com"><button>Win a prize</button></form>`),
  );
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    attacker.closeAllConnections();
    attacker.close();
  });
  const trap = await context.newPage();
  await trap.goto(`http://localhost:${(attacker.address() as AddressInfo).port}/`);
  await trap.getByRole('button', { name: 'Win a prize' }).click();
  await trap.getByRole('heading', { name: 'This sign-in was sent from another site' }).waitFor();
  expect(results).toEqual([]);
  await page.getByRole('button', { name: /Dev Example/ }).click();
  await page.waitForURL(/localhost:\d+\/$/);
  expect(results).toHaveLength(1);
});

const views: [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light', viewport: { width: 1100, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1100, height: 900 } }],
  ['narrow', { colorScheme: 'light', viewport: { width: 320, height: 720 } }],
  ['narrow-dark', { colorScheme: 'dark', viewport: { width: 320, height: 720 } }],
];

test.each(views)('looks right: %s', async (name, options) => {
  const platform = await startTestPlatform();
  const { redirect } = await waitForLogin();
  const scope = encodeURIComponent('example.com');
  const { page, complaints } = await open(platform, redirect, { ...options, parameters: { scope } });
  const folder = process.env['SCREENSHOTS'] ?? temporaryFolder();
  await page.screenshot({ path: join(folder, `sign-in-${name}.png`), fullPage: true });

  const width = options.viewport?.width ?? 0;
  expect(await page.locator('html').evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(width);
  for (const control of await page.locator('button, input:not([type=hidden])').all()) {
    const box = await control.boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
    expect((box?.x ?? -1) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
  }
  for (const text of await page.locator('h1, p, dt, dd, strong, small, label, button, .initials').all()) {
    const [words, ratio] = [await text.textContent(), await text.evaluate(contrast)];
    expect([words, ratio >= 4.5]).toEqual([words, true]);
  }

  await page.getByLabel('Another e-mail address').fill(`${'long'.repeat(10)}@${'name'.repeat(10)}`);
  await page.getByRole('button', { name: 'Continue', exact: true }).focus();
  await page.screenshot({ path: join(folder, `sign-in-${name}-focus.png`), fullPage: true });
  expect(complaints).toEqual([]);
});

/** Where another device sends a browser whose organization has a provider of this name. */
async function leaveAddress(platform: TestPlatform, name: string): Promise<string> {
  const provider = await startLoopbackIssuer(() => Date.now());
  const configuration = { issuer: provider.url, authorization_endpoint: `${provider.url}/authorize` };
  provider.answers.set('/.well-known/openid-configuration', (response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(configuration)),
  );
  provider.answers.set('/favicon.ico', (response) => response.writeHead(204).end());
  provider.answers.set('/authorize', (response) => response.end('<!doctype html><title>Company</title>'));
  const oidc = { issuer: provider.url, clientId: 'client', pkceEnabled: true };
  const body = { name, defaultRole: builtInRoleId('viewer'), oidc };
  const owner = await platform.token(personId('dev@example.com'));
  const path = `/iam/v1/identityProviders/${demoOrganizations.private}`;
  const made = await platform.call(owner, 'POST', path, { body });
  expect(made.status, JSON.stringify(made.body)).toBe(200);
  const query = new URLSearchParams({ headless_code: createHeadlessKey().code, idp_id: made.body.id });
  return `${platform.urls.issuer}/oauth?${query}`;
}

test.each(views)('so do the other pages: %s', async (name, options) => {
  const platform = await startTestPlatform();
  const leave = await leaveAddress(platform, 'example company');
  const leaveLong = await leaveAddress(platform, `sign-in.${'subsidiary-of-'.repeat(7)}example.com`);
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const folder = process.env['SCREENSHOTS'] ?? temporaryFolder();
  const width = options.viewport?.width ?? 0;
  // What is put into a page obeys the content security policy of the page before.
  const put = async (html: string) => {
    await page.goto('about:blank');
    await page.setContent(html);
  };
  const pages: [string, () => Promise<unknown>][] = [
    ['activate', () => page.goto(`${platform.urls.issuer}/activate`)],
    ['leave', () => page.goto(leave)],
    ['leave-long', () => page.goto(leaveLong)],
    ['refused', () => page.goto(`${platform.urls.issuer}/oauth?redirect=https://evil.example`)],
    ['console', () => page.goto(`${platform.urls.api}/console`)],
    ['finished', () => put(finishedPage(undefined, 'n'))],
    ['closing', () => put(finishedPage(10, 'n'))],
    ['not-logged-in', () => put(messagePage('You are not logged in', [`The login: ${'x'.repeat(200)}.`], 'n'))],
  ];
  for (const [what, go] of pages) {
    await go();
    await page.screenshot({ path: join(folder, `${what}-${name}.png`), fullPage: true });
    const wide = await page.locator('html').evaluate((element) => element.scrollWidth);
    expect([what, wide <= width]).toEqual([what, true]);
    const scheme = await page.locator('html').evaluate((element) => getComputedStyle(element).colorScheme);
    expect([what, scheme]).toEqual([what, 'light dark']);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    for (const control of await page.locator('button, a, input:not([type=hidden])').all()) {
      const box = await control.boundingBox();
      const [words, right] = [await control.textContent(), (box?.x ?? -1) + (box?.width ?? 0)];
      expect([what, words, (box?.height ?? 0) >= 44, right <= width]).toEqual([what, words, true, true]);
    }
    // The plain pages leave the colors to the browser, which does not tell them.
    const isPlain = ['console', 'finished', 'closing', 'not-logged-in'].includes(what);
    for (const text of isPlain ? [] : await page.locator('h1, p, strong, label, button, a').all()) {
      const [words, ratio] = [await text.textContent(), await text.evaluate(contrast)];
      expect([what, words, ratio >= 4.5]).toEqual([what, words, true]);
    }
  }
  await context.close();
});

test('before leaving for a provider on behalf of another device: what it shows, by keyboard, and both ways on', async () => {
  const platform = await startTestPlatform();
  const address = await leaveAddress(platform, 'example company');
  const code = new URL(address).searchParams.get('headless_code') ?? '';
  const context = await browser.newContext({ javaScriptEnabled: false });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(address);
  await page.getByText(headlessCheck(code)).waitFor();
  const stops: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    stops.push(/"([^"]*)"/.exec(await focused.ariaSnapshot())?.[1] ?? '');
    expect(await focused.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe('solid');
  }
  expect(stops).toEqual(['Continue with example company', 'Cancel sign-in']);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/authorize\?/);
  await page.goBack();
  await page.getByRole('button', { name: 'Cancel sign-in' }).click();
  await page.getByRole('heading', { name: 'The sign-in was cancelled' }).waitFor();
  const session = await platform.call(undefined, 'GET', `/sts/headless_sessions?code=${code}`);
  expect(session.status, 'the other device is told').toBe(403);
  expect(complaints).toEqual([]);
});

test('errors are readable pages', async () => {
  const platform = await startTestPlatform();
  const { page, complaints } = await open(platform, 'https://evil.example/', {
    viewport: { width: 1100, height: 600 },
  });
  await page.getByRole('heading', { name: 'This sign-in leads to another machine' }).waitFor();
  const folder = process.env['SCREENSHOTS'] ?? temporaryFolder();
  await page.screenshot({ path: join(folder, 'sign-in-error.png') });
  // Chromium notes the status of the page itself, and nothing else.
  expect(complaints.filter((text) => !text.includes('status of 400'))).toEqual([]);
});

test('an address that is none is said beside the field, and the page still works', async () => {
  const platform = await startTestPlatform();
  const { redirect, results } = await waitForLogin();
  const { page } = await open(platform, redirect);
  const field = page.getByLabel('Another e-mail address');
  // The browser takes this for an address; the platform does not.
  await field.fill('"quoted"@example.com');
  const isTaken = await field.evaluate((element) => element.matches(':valid'));
  if (!isTaken) await field.fill('a@b@c');
  await page.locator('form.other').evaluate((element) => element.setAttribute('novalidate', ''));
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  const problem = page.getByRole('alert');
  expect(await problem.textContent()).toContain('is not an e-mail address');
  expect(await field.getAttribute('aria-invalid')).toBe('true');
  expect(await field.getAttribute('aria-describedby')).toBe('problem email-note');
  await field.fill('dev@example.com');
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.waitForURL(/localhost:\d+\/$/);
  expect(subjectOf(results)).toBe(personId('dev@example.com'));
});

// The little of the DOM that functions in the page use; the library's types would leak into every other file.
interface PageElement {
  readonly parentElement: PageElement | null;
}
declare function getComputedStyle(element: unknown): {
  readonly backgroundColor: string;
  readonly color: string;
  readonly outlineStyle: string;
  readonly colorScheme: string;
};

/** WCAG contrast of an element's text against what is painted behind it. Runs in the page. */
function contrast(element: PageElement): number {
  const parse = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([red = 0, green = 0, blue = 0]: number[]) => {
    const linear = [red, green, blue].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
  };
  let behind: PageElement | null = element;
  let background = [255, 255, 255];
  while (behind !== null) {
    const color = parse(getComputedStyle(behind).backgroundColor);
    if (color.length === 3 || (color[3] ?? 0) > 0) {
      background = color;
      break;
    }
    behind = behind.parentElement;
  }
  const [light = 0, dark = 0] = [luminance(parse(getComputedStyle(element).color)), luminance(background)].sort(
    (a, b) => b - a,
  );
  return (light + 0.05) / (dark + 0.05);
}
