// Document 003 in a real Chromium, step by step as it is written there: AWS, and GCP against a Google on loopback, by the platform
// and by `chainctl console` with gcloud.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { newPage, realClock, signedIn, violations } from '../support/console-browser.ts';
import { startLoopbackClouds } from '../support/loopback-clouds.ts';
import { startLoopbackGoogle } from '../support/loopback-google.ts';
import { startTestPlatform } from '../support/platform.ts';
import { createWorld, programPath, signIn, until } from '../support/program.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** "Navigate to the Settings tab": a table of all groups, the rightmost columns for the clouds, a pencil where there is none. */
async function openTable(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await page.getByRole('main').getByRole('link', { name: 'Cloud accounts' }).click();
  await page.getByRole('heading', { name: 'Cloud accounts' }).waitFor();
  expect((await page.getByRole('columnheader').allTextContents()).slice(-3)).toEqual(['GCP', 'AWS', 'Azure']);
}

const row = (page: Page) => page.getByRole('row', { name: /engineering \/ platform/ });

/** The four steps, from the pencil to Done; `login`: what happens at Google. */
async function connectGoogle(page: Page, login: () => Promise<void>): Promise<void> {
  await row(page)
    .getByRole('link', { name: /^Associate GCP/ })
    .click();
  const pane = page.getByRole('dialog');
  await pane.getByRole('heading', { name: 'Authentication' }).waitFor();
  expect(await violations(page)).toEqual([]);
  await pane.locator('text="Authenticate"').click();
  await login();

  await pane.getByRole('heading', { name: 'Select a project' }).waitFor();
  const projects = pane.getByRole('combobox', { name: 'Project' });
  expect(await projects.inputValue()).toBe('');
  await projects.selectOption('acme-prod');
  expect(await violations(page)).toEqual([]);
  await pane.getByRole('button', { name: 'Continue' }).click();

  await pane.getByRole('heading', { name: 'Configure workload identity federation' }).waitFor();
  await pane.getByText('Incomplete').waitFor();
  expect(await pane.getByRole('rowheader').allTextContents()).toEqual([
    'IAM Service Account Credentials API',
    'Workload Identity',
    'Workload Identity Provider',
  ]);
  expect(await pane.getByRole('cell').allTextContents()).toEqual(['Not ready', 'Not ready', 'Not ready']);
  expect(await violations(page)).toEqual([]);
  await pane.getByRole('button', { name: 'Configure' }).click();
  await pane.getByRole('link', { name: 'Continue' }).waitFor();
  expect(await pane.getByRole('cell').allTextContents()).toEqual(['Ready', 'Ready', 'Ready']);
  await pane.getByRole('link', { name: 'Continue' }).click();

  await pane.getByRole('heading', { name: 'Configure service accounts' }).waitFor();
  await pane.getByText('Incomplete').waitFor();
  expect(await pane.getByRole('cell').allTextContents()).toEqual(new Array(6).fill('Not ready'));
  await pane.getByRole('button', { name: 'Configure' }).click();
  await pane.getByRole('button', { name: 'Done' }).waitFor();
  expect(await pane.getByRole('cell').allTextContents()).toEqual(new Array(6).fill('Ready'));
  await pane.getByRole('button', { name: 'Done' }).click();
  await page.getByText('Associated GCP with example.com / engineering / platform.').waitFor();
  expect(await row(page).textContent()).toContain('acme-prod');
}

test('a group is associated with AWS and GCP, checked and removed, as the founding document says', async () => {
  const google = await startLoopbackGoogle();
  const clouds = await startLoopbackClouds();
  const platform = await startTestPlatform({
    clock: realClock,
    clouds: { awsSts: `${clouds.url}/aws/` },
    consoleClouds: { google: { addresses: google.addresses, client: google.client } },
  });
  const { page, complaints } = await signedIn(platform);
  await openTable(page);
  await connectGoogle(page, async () => {
    await page.getByRole('heading', { name: 'Choose an account' }).waitFor();
    await page.getByRole('link', { name: 'kim@acme.example' }).click();
  });
  // Neither Google's token nor its code is in an address of ours or in what the browser keeps.
  expect(page.url()).not.toMatch(/code=|ya29/);
  expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).toBe('[{},{}]');

  await row(page)
    .getByRole('link', { name: /^Associate AWS/ })
    .click();
  const pane = page.getByRole('dialog');
  const launch = pane.getByRole('link', { name: 'Launch Stack' });
  expect(await launch.getAttribute('href')).toContain('console.aws.amazon.com/cloudformation');
  const download = page.waitForEvent('download');
  await pane.getByRole('link', { name: 'Download the template' }).click();
  expect((await download).suggestedFilename()).toBe('chainguard-account-association.yaml');
  await pane.getByLabel('Account ID').fill('1234');
  await pane.getByRole('button', { name: 'Configure' }).click();
  await pane.getByText('An AWS account ID has twelve digits.').waitFor();
  expect(await violations(page)).toEqual([]);
  await pane.getByLabel('Account ID').fill('123456789012');
  await pane.getByRole('button', { name: 'Configure' }).click();
  await page.getByText('Associated AWS with').waitFor();

  // "You can check that the account association is configured correctly."
  const group =
    new URL(
      (await row(page)
        .getByRole('link', { name: /^Check AWS/ })
        .getAttribute('href')) ?? '',
      page.url(),
    ).searchParams.get('group') ?? '';
  await row(page)
    .getByRole('link', { name: /^Check AWS/ })
    .click();
  await pane.getByText('Not ready').waitFor();
  expect(await pane.textContent()).toContain('InvalidIdentityToken');
  await pane.getByRole('link', { name: 'Done' }).click();
  clouds.trust = { issuer: platform.urls.issuer, audience: 'amazon', subject: `canary:${group}` };
  await row(page)
    .getByRole('link', { name: /^Check AWS/ })
    .click();
  await pane.getByText('AWS role impersonation was successful!').waitFor();
  await pane.getByRole('link', { name: 'Done' }).click();

  await row(page)
    .getByRole('link', { name: /^Remove AWS/ })
    .click();
  await pane.getByRole('button', { name: 'Remove association' }).click();
  await page.getByText('Removed AWS from').waitFor();
  expect(await row(page).textContent()).toContain('acme-prod');
  // Of the account ID that was too short.
  expect(complaints).toEqual(['Failed to load resource: the server responded with a status of 400 (Bad Request)']);
});

test('chainctl console takes who is logged in to gcloud', async () => {
  const google = await startLoopbackGoogle();
  const world = createWorld();
  const platform = await world.startPlatform();
  const person = world.person('dev', platform);
  await signIn(person, platform);
  const bin = join(person.home, 'google-cloud-sdk');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'gcloud'),
    `#!/bin/sh\n[ "$*" = "auth print-access-token" ] && cat "$(dirname "$0")/token"\n`,
  );
  chmodSync(join(bin, 'gcloud'), 0o755);
  writeFileSync(join(bin, 'token'), `${google.token}\n`, { mode: 0o600 });
  const env = { ...person.env, ...google.env, PATH: `${bin}:${person.env['PATH']}` } as NodeJS.ProcessEnv;
  const child: ChildProcess = spawn(process.execPath, [programPath(), 'console', '--no-browser', '-o', 'json'], {
    env,
    cwd: person.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  await until(() => /\}\s*$/.test(out) || child.exitCode !== null, 'the console answers');
  const { page, complaints } = await newPage();
  await page.goto((JSON.parse(out) as { file: string }).file);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await openTable(page);
  await connectGoogle(page, async () => undefined);
  expect(complaints).toEqual([]);
  const ran = await person.sh("chainctl iam account-associations describe 'example.com/engineering/platform' -o json");
  expect([ran.code, ran.out, ran.err]).toEqual([0, expect.stringContaining('acme-prod'), '']);
});
