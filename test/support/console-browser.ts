// A real Chromium for the pages of the console, one for each test file, and what axe-core says of a page.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { TestPlatform } from './platform.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
});
afterAll(() => browser?.close());

export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser found wrong: a broken policy, a script that failed, a file that is not there. */
  readonly complaints: string[];
}

export async function newPage(options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, context, complaints };
}

export async function signedIn(platform: TestPlatform, options: BrowserContextOptions = {}): Promise<Opened> {
  const opened = await newPage(options);
  await opened.page.goto(platform.urls.console);
  await opened.page.getByRole('button', { name: /Dev Example/ }).click();
  await opened.page.getByRole('heading', { name: 'Overview' }).waitFor();
  return opened;
}

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe-core finds by these rules, those of WCAG 2.2 AA unless given; a line each. */
export async function violations(page: Page, runOnly: readonly string[] = standards): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  return page.evaluate(async (runOnly) => {
    // biome-ignore lint/suspicious/noExplicitAny: axe is a global of the page
    const { violations } = await (globalThis as any).axe.run({ runOnly, resultTypes: ['violations'] });
    return violations.map(
      (one: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
        `${one.id}: ${one.nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join(' | ')}`,
    );
  }, runOnly);
}

export const realClock = {
  now: () => Date.now(),
  randomBytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)),
};
