// Clusters and policies in a real Chromium, with something in them: what axe-core says of each page, in light, dark and on a
// narrow screen. Set SCREENSHOTS to a folder to keep pictures.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoFolders, demoOrganizations, dev } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';
import { digestOf, remoteId, reportCluster } from '../support/reporting-cluster.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
}, 60_000);
afterAll(() => browser?.close());

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

const documentOf = (glob: string) => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: signed-only
spec:
  images:
    - glob: "${glob}"
  authorities:
    - static: { action: fail, message: not here }
`;

test('pages of a cluster and of a policy have nothing that axe-core finds, and fit', { timeout: 180_000 }, async () => {
  const platform = await startTestPlatform({
    clock: { now: () => Date.now(), randomBytes: (count) => randomBytes(count) },
  });
  await reportCluster(platform, demoFolders.engineering);
  const token = await platform.token(dev);
  const body = { document: documentOf('a/**'), description: 'Only signed images' };
  const policy = (await platform.call(token, 'POST', `/iam/v1/policies/${demoFolders.sandbox}`, { body })).body;
  const second = { document: documentOf('b/**') };
  await platform.call(token, 'PUT', `/iam/v1/policies/${policy.id}`, { body: second });
  const [id, version] = [policy.id, policy.enforcedVersion.id].map(encodeURIComponent);
  const addresses = [
    'clusters',
    `clusters/cluster?id=${remoteId}`,
    `clusters/image?id=${remoteId}&digest=${digestOf('a')}`,
    `clusters/image?id=${remoteId}&digest=${digestOf('b')}`,
    'policies',
    `policies/policy?id=${id}`,
    `policies/edit?id=${id}`,
    `policies/activate?id=${id}&version=${version}`,
    `policies/delete?id=${id}`,
  ];
  for (const look of ['light', 'dark', 'narrow'] as const) {
    const context = await browser.newContext({
      colorScheme: look === 'dark' ? 'dark' : 'light',
      viewport: look === 'narrow' ? { width: 320, height: 720 } : { width: 1200, height: 800 },
    });
    const page = await context.newPage();
    await page.goto(platform.urls.console);
    await page.getByRole('button', { name: /Dev Example/ }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    for (const [at, address] of addresses.entries()) {
      const response = await page.goto(`${platform.urls.console}/${demoOrganizations.private}/${address}`);
      expect([address, response?.status()]).toEqual([address, 200]);
      if (look !== 'narrow') {
        await page.evaluate(axe);
        const found = await page.evaluate(async () => {
          // biome-ignore lint/suspicious/noExplicitAny: axe is a global of the page
          const { violations } = await (globalThis as any).axe.run({
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
          });
          return violations.map((one: { id: string; nodes: { html: string }[] }) => `${one.id} ${one.nodes[0]?.html}`);
        });
        expect([address, look, found]).toEqual([address, look, []]);
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect([address, look, overflow <= 0]).toEqual([address, look, true]);
      const folder = process.env['SCREENSHOTS'];
      if (folder !== undefined) {
        const name = `${at}-${address.replace(/\?.*/, '').replaceAll('/', '-')}-${look}.png`;
        await page.screenshot({ path: join(folder, name), fullPage: true });
      }
    }
    await context.close();
  }
});
