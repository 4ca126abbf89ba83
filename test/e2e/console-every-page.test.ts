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

/** Addresses of one kind look alike: they differ in values only. */
function kindOf({ pathname, searchParams }: URL): string {
  const values = ['from', 'cloud', 'digest'].map((name) => searchParams.get(name) ?? '');
  const names = [...searchParams.keys()].filter((name) => !/(^|-)(q|sort|page|kind|state|arch)$/.test(name));
  return [pathname, ...names.sort(), ...values].join(' ');
}

/** Addresses that the links and forms of this page lead to, without those that change something. */
async function leadsOf(page: Page): Promise<URL[]> {
  const leads = await page.evaluate(() => [
    ...[...document.querySelectorAll<HTMLAnchorElement>('a[href]:not([target])')].map(({ href }) => href),
    ...[...document.querySelectorAll<HTMLFormElement>('form[method=get]')].map(
      (form) => `${form.action.replace(/\?.*/, '')}?${new URLSearchParams(new FormData(form) as never)}`,
    ),
  ]);
  return leads.map((href) => new URL(href));
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

/** No link leads to what a form has made, and the others are no pages. */
const unlinked = /(^|\/)(created|generated|fresh|template|authenticate|switch)$/;
/** Seen with a Google on loopback, in console-clouds.test.ts. */
const atGoogle = ['settings/cloud-accounts/gcp', 'google'];

test('every page that a link leads to keeps text as text, fits, and has nothing that axe-core finds', {
  timeout: 600_000,
}, async () => {
  const { platform } = await startFullConsole();
  const { page, complaints } = await signedIn(platform);
  const start = platform.urls.console;
  const waiting = ['welcome', 'welcome/invite', demoOrganizations.private].map((path) => new URL(`${start}/${path}`));
  const [known, seen] = [new Set<string>(), new Set<string>()];
  const faults: string[] = [];
  for (let address = waiting.shift(); address !== undefined; address = waiting.shift()) {
    const kind = kindOf(address);
    const path = address.href
      .slice(start.length + 1)
      .replace(/[?#].*/, '')
      .replace(demoOrganizations.private, '');
    if (known.has(kind) || !address.href.startsWith(`${start}/`) || unlinked.test(path)) continue;
    known.add(kind);
    const response = await page.goto(address.href);
    expect([address.href, response?.status()]).toEqual([address.href, 200]);
    waiting.push(...(await leadsOf(page)));
    // Names and descriptions of the world are script: all of it stays text.
    const acting = await page.evaluate(() => document.querySelectorAll('img, iframe, [onerror], script').length);
    expect([address.href, acting]).toEqual([address.href, 1]);
    const step = path.replace(/^\//, '');
    // The others of its kind are made of the same parts.
    if (seen.has(step)) continue;
    seen.add(step);
    const name = `${step || 'overview'} ${kind.slice(kind.indexOf(' ') + 1)}`.trim().replaceAll(/[^\w.-]+/g, '-');
    faults.push(...(await faultsOf(page, name)));
  }
  expect(faults).toEqual([]);
  expect(complaints).toEqual([]);
  const unseen = pages
    .flatMap(({ path, actions }) => actions.map((action) => [path, action].filter((each) => each !== '').join('/')))
    .filter((step) => !seen.has(step) && !unlinked.test(step));
  expect(unseen.sort()).toEqual(atGoogle.sort());
});
