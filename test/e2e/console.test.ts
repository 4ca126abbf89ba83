// The console in a real Chromium: the steps of the founding documents as they are written there, on the platform and by
// `chainctl console`; and what other programs on the machine see of it.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { newPage, realClock, signedIn } from '../support/console-browser.ts';
import { startTestPlatform } from '../support/platform.ts';
import { createWorld, type Person, programPath, signIn, until } from '../support/program.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** Document 002, "Managing Pull Tokens in the Chainguard Console". */
async function managePullTokens(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await page.getByRole('main').getByRole('link', { name: 'Pull tokens' }).click();
  await page.getByRole('heading', { name: 'Pull tokens' }).waitFor();

  await page.getByRole('link', { name: 'Create pull token' }).click();
  await page.getByRole('dialog', { name: 'Create pull token' }).waitFor();
  await page.getByLabel('Name').fill('artifactory');
  await page.getByLabel('Description (optional)').fill('Mirror in Frankfurt');
  expect(await page.getByLabel('Expiration', { exact: true }).locator('option').allTextContents()).toEqual([
    '30 days',
    '60 days',
    '90 days',
    'Custom',
  ]);
  expect(await page.getByLabel('Custom expiration').isVisible()).toBe(false);
  await page.getByLabel('Expiration', { exact: true }).selectOption('Custom');
  const day = await page.getByLabel('Custom expiration').getAttribute('min');
  await page.getByLabel('Custom expiration').fill(day ?? '');
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByRole('dialog', { name: 'Pull token created' }).waitFor();
  const password = (await page.locator('#password').textContent()) ?? '';
  expect(password).toMatch(/^eyJ/);
  expect(page.url()).not.toContain('eyJ');
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).toBe('[{},{}]');

  await page.getByRole('link', { name: 'Done' }).click();
  expect(await page.getByRole('columnheader').allTextContents()).toEqual([
    'Name ▲',
    'Description',
    'Created',
    'Days until expiry',
    'Last used',
    'Actions',
  ]);
  const row = page.getByRole('row', { name: /artifactory/ });
  expect(await row.getByRole('cell').allTextContents()).toEqual([
    'Mirror in Frankfurt',
    'just now',
    '2 days',
    'never',
    expect.stringMatching(/^Revoke artifactory/),
  ]);

  // Going back shows no secret again.
  await page.goBack();
  await page.getByText('was shown once').waitFor();
  expect(await page.content()).not.toContain(password);
  await page.getByRole('link', { name: 'Back to the list' }).click();

  await row.getByRole('link', { name: /^Revoke/ }).click();
  await page.getByRole('dialog', { name: 'Revoke pull token' }).waitFor();
  await page.keyboard.press('Escape');
  await row.waitFor();
  await row.getByRole('link', { name: /^Revoke/ }).click();
  await page.getByRole('button', { name: 'Revoke token' }).click();
  await page.getByText('Revoked the pull token').waitFor();
  expect(await page.getByRole('row', { name: /artifactory/ }).count()).toBe(0);
}

test.each([true, false])(
  'pull tokens are managed as the founding document says; scripts: %s',
  async (javaScriptEnabled) => {
    const platform = await startTestPlatform({ clock: realClock });
    const { page, complaints } = await signedIn(platform, { javaScriptEnabled });
    if (javaScriptEnabled) await managePullTokens(page);
    else {
      await page.getByRole('link', { name: 'Settings' }).first().click();
      await page.getByRole('main').getByRole('link', { name: 'Pull tokens' }).click();
      await page.getByRole('link', { name: 'Create pull token' }).click();
      await page.getByLabel('Name').fill('artifactory');
      await page.getByRole('button', { name: 'Create token' }).click();
      expect(await page.locator('#password').textContent()).toMatch(/^eyJ/);
      await page.getByRole('link', { name: 'Done' }).click();
      await page.getByRole('row', { name: /artifactory/ }).waitFor();
    }
    expect(complaints).toEqual([]);
  },
);

test('with the keyboard alone: the focus stays in a pane, shows, and comes back', async () => {
  const platform = await startTestPlatform({ clock: realClock });
  const { page } = await signedIn(platform);
  await page.goto(`${platform.urls.console}/settings/pull-tokens`);
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').textContent()).toContain('Skip to the page');
  await page.getByRole('link', { name: 'Create pull token' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  expect(await page.locator(':focus').getAttribute('name')).toBe('name');
  for (let at = 0; at < 20; at += 1) {
    await page.keyboard.press('Tab');
    const inside = await page.evaluate(
      () => document.activeElement?.closest('dialog') !== null || document.activeElement === document.body,
    );
    expect([at, inside]).toEqual([at, true]);
  }
  await page.keyboard.press('Escape');
  await page.waitForURL(/#create$/);
  await until(async () => (await page.locator('#create:focus').count()) === 1, 'the focus is back');
});

describe('chainctl console', () => {
  const world = createWorld();

  interface Started {
    readonly url: string;
    readonly file: string;
    readonly child: ChildProcess;
    readonly ended: Promise<number | null>;
    readonly said: () => string;
  }

  async function start(person: Person, args: readonly string[] = []): Promise<Started> {
    const child = spawn(process.execPath, [programPath(), 'console', '--no-browser', '-o', 'json', ...args], {
      env: person.env as NodeJS.ProcessEnv,
      cwd: person.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await until(() => /\}\s*$/.test(out) || child.exitCode !== null, 'the console answers');
    if (child.exitCode !== null) throw new Error(err);
    return { ...JSON.parse(out), child, ended, said: () => out + err };
  }

  test('serves the same pages to one browser, until Ctrl-C', async () => {
    const platform = await world.startPlatform();
    const person = world.person('dev', platform);
    await signIn(person, platform);
    const started = await start(person, ['settings/pull-tokens']);
    const { page, context, complaints } = await newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.url()} ${request.headers()['referer'] ?? ''}`));
    const path = fileURLToPath(started.file);
    const code = /name="code" value="([\w-]{22})"/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
    expect([statSync(path).mode & 0o777, statSync(dirname(path)).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(code).not.toBe('');

    // Another program on the machine, and another user of it.
    const ask = (address: string, headers: Record<string, string> = {}, body?: string) =>
      fetch(new URL(address, started.url), {
        redirect: 'manual',
        headers,
        ...(body === undefined ? {} : { method: 'POST', body: new URLSearchParams({ code: body }) }),
      });
    expect((await ask('/')).status).toBe(200);
    expect((await ask('/settings/pull-tokens')).status).toBe(404);
    expect((await ask('/code', {}, 'a guess')).status).toBe(403);

    await page.goto(started.file);
    await page.getByRole('heading', { name: 'Pull tokens' }).waitFor();
    expect(existsSync(path)).toBe(false);
    expect(asked.join('\n')).not.toContain(code);
    expect(started.said()).not.toContain(code);
    // Used once.
    expect((await ask('/code', {}, code)).status).toBe(403);
    // The address alone is worth nothing.
    expect((await fetch(page.url(), { redirect: 'manual' })).status).toBe(403);
    const [cookie] = await context.cookies(page.url());
    expect([cookie?.httpOnly, cookie?.path, cookie?.sameSite]).toEqual([
      true,
      expect.stringMatching(/^\/s-[\w-]{22}$/),
      'Lax',
    ]);

    // A neighbour on another port gets no cookie, and cannot take its place.
    const seen: string[] = [];
    const neighbour = createServer((request, response) => {
      seen.push(request.headers.cookie ?? '');
      response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'chainctl-console=theirs; Path=/' });
      response.end('<!doctype html><title>Neighbour</title>');
    });
    await new Promise<void>((resolve) => neighbour.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      neighbour.closeAllConnections();
      neighbour.close();
    });
    await page.goto(`http://127.0.0.1:${(neighbour.address() as AddressInfo).port}/settings/pull-tokens`);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.join('')).not.toContain(cookie?.value);
    await page.goBack();
    await page.getByRole('heading', { name: 'Pull tokens' }).waitFor();

    await managePullTokens(page);
    expect(complaints).toEqual([]);

    started.child.kill('SIGINT');
    expect(await started.ended).toBe(0);
    await expect(ask('/')).rejects.toThrow();
  });

  test('remembers the organization, and says how to go on when the login has ended', async () => {
    const platform = await world.startPlatform();
    const person = world.person('dev', platform);
    await signIn(person, platform);
    const made = await person.sh('chainctl iam organizations create zebra.example --yes -o json');
    expect(made.code).toBe(0);
    const open = async (started: Started) => {
      const { page, context } = await newPage();
      await page.goto(started.file);
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      return { page, context };
    };
    const first = await start(person);
    const { page } = await open(first);
    expect(await page.locator('#organization option:checked').textContent()).toBe('example.com');
    await page.locator('#organization').selectOption('zebra.example');
    await page.getByText('Nothing is here yet').waitFor();
    first.child.kill('SIGINT');
    await first.ended;

    const second = await start(person);
    const again = (await open(second)).page;
    expect(await again.locator('#organization option:checked').textContent()).toBe('zebra.example');

    await again.goto(`${again.url()}/settings/pull-tokens/create`);
    await again.getByLabel('Name').fill('survivor');
    expect((await person.sh('chainctl auth logout')).code).toBe(0);
    await again.getByRole('button', { name: 'Create token' }).click();
    await again.getByText('nothing of your form has been done yet').waitFor();
    await again.getByText('Log in again with `chainctl auth login`').waitFor();
    await signIn(person, platform);
    await again.getByRole('button', { name: 'Then send the form again' }).click();
    await again.getByRole('dialog', { name: 'Pull token created' }).waitFor();
  });

  test('goes by one name only, so that a name that is bent to this machine sees nothing', async () => {
    const platform = await world.startPlatform();
    const person = world.person('dev', platform);
    await signIn(person, platform);
    const started = await start(person);
    const { port } = new URL(started.url);
    for (const host of [`evil.example:${port}`, `localhost:${port}`, '127.0.0.1', `127.0.0.1:${Number(port) + 1}`]) {
      const ran = await person.sh(`curl -s -o /dev/null -w '%{http_code}' -H 'Host: ${host}' ${started.url}`);
      expect([host, ran.out]).toEqual([host, '421']);
    }
  });

  test('guesses come to an end', async () => {
    const platform = await world.startPlatform();
    const person = world.person('dev', platform);
    await signIn(person, platform);
    const started = await start(person);
    const statuses = new Set<number>();
    for (let at = 0; at < 51; at += 1) {
      const answer = await fetch(`${started.url}code`, {
        method: 'POST',
        body: new URLSearchParams({ code: `guess ${at}` }),
      });
      statuses.add(answer.status);
    }
    expect([...statuses]).toEqual([403, 429]);
  });
});
