// Every page of the console in a real Chromium, found as a person finds them: by the links, from the overview on. What axe-core
// says of each, and whether it fits, in light, dark and on a narrow screen. Set SCREENSHOTS to a folder to keep pictures.

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { pages } from '../../src/console/pages.gen.ts';
import { signedIn, violations } from '../support/console-browser.ts';
import { startFullConsole } from '../support/console-world.ts';
import { demoOrganizations } from '../support/ids.ts';

const wide = { width: 1200, height: 800 };
const narrow = { width: 320, height: 720 };

/** Addresses of one kind look alike: those that differ in values only. */
function kindOf(address: string): string {
  const url = new URL(address);
  const values = ['from', 'cloud', 'digest'].map((name) => url.searchParams.get(name) ?? '');
  const names = [...url.searchParams.keys()].filter((name) => !/(^|-)(q|sort|page)$/.test(name));
  return [url.pathname, ...names.sort(), ...values].join(' ');
}

async function linksOf(page: Page): Promise<string[]> {
  const links = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLAnchorElement>('a[href]')].map(({ href, target }) => ({ href, target })),
  );
  return links.flatMap(({ href, target }) => (target === '' ? [href.replace(/#.*/, '')] : []));
}

/** Colors are what a theme changes, and sizes what a width does. */
const looks = [
  { look: 'light', colorScheme: 'light', viewport: wide, rules: undefined },
  { look: 'dark', colorScheme: 'dark', viewport: wide, rules: ['color-contrast', 'link-in-text-block'] },
  { look: 'narrow', colorScheme: 'light', viewport: narrow, rules: ['target-size', 'scrollable-region-focusable'] },
] as const;

/** What is wrong with the page in each look, a line each. */
async function faultsOf(page: Page, name: string): Promise<string[]> {
  const faults: string[] = [];
  const folder = process.env['SCREENSHOTS'];
  for (const { look, colorScheme, viewport, rules } of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    faults.push(...(await violations(page, rules)).map((fault) => `${name} ${look}: ${fault}`));
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) faults.push(`${name} ${look}: is ${overflow} px too wide`);
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(wide);
  return faults;
}

/** What a form of these says, no link leads to. */
const byForm = new Set(['created', 'generated', 'fresh', 'template', 'authenticate']);

test('every page that a link leads to has nothing that axe-core finds, and fits', { timeout: 300_000 }, async () => {
  const { platform } = await startFullConsole();
  const { page, complaints } = await signedIn(platform);
  const start = platform.urls.console;
  const waiting = [`${start}/${demoOrganizations.private}`, `${start}/welcome`, `${start}/welcome/invite`];
  const known = new Set<string>();
  const seen = new Set<string>();
  const faults: string[] = [];
  for (let address = waiting.shift(); address !== undefined; address = waiting.shift()) {
    const kind = kindOf(address);
    const path = new URL(address).pathname;
    if (known.has(kind) || !address.startsWith(start)) continue;
    known.add(kind);
    if (/\/(template|authenticate|fresh)$/.test(path)) continue;
    const response = await page.goto(address);
    expect([address, response?.status()]).toEqual([address, 200]);
    waiting.push(...(await linksOf(page)));
    const short = kind.slice(new URL(start).pathname.length).replace(`/${demoOrganizations.private}`, '');
    seen.add(
      path.slice(new URL(start).pathname.length).replace(`/${demoOrganizations.private}`, '').replace(/^\//, ''),
    );
    faults.push(...(await faultsOf(page, short.trim().replaceAll(/[^\w.-]+/g, '-') || 'overview')));
  }
  expect(faults).toEqual([]);
  expect(complaints).toEqual([]);
  const unseen = pages
    .flatMap(({ path, actions }) => actions.map((action) => [path, action]))
    .filter(([, action = '']) => !byForm.has(action))
    .map((steps) => steps.filter((step) => step !== '').join('/'))
    .filter((step) => !seen.has(step));
  expect(unseen).toEqual([]);
});
