// Pages by their address, and the way to them: navigation and crumbs.

import type { MenuEntry } from './frame.tsx';
import type { Crumb, PageEntry, PageFacts, Shown, Visit } from './page.ts';
import { pages } from './pages.gen.ts';

export interface Found {
  readonly page: PageEntry;
  /** Name of its action. */
  readonly action: string;
}

/** `steps`: of an address, without those of the console and the organization. */
export function findPage(steps: readonly string[]): Found | undefined {
  const whole = steps.join('/');
  const exact = pages.find(({ path }) => path === whole);
  const page = exact ?? pages.find(({ path }) => path === steps.slice(0, -1).join('/'));
  const action = exact === undefined ? (steps.at(-1) ?? '') : '';
  return page?.actions.includes(action) ? { page, action } : undefined;
}

/** The pages that the caller may use, those of a section below it while one is there. */
export function menuOf(visit: Visit, here: PageFacts): MenuEntry[] {
  const { offered } = visit;
  const entry = (page: PageFacts, children: readonly MenuEntry[]): MenuEntry => ({
    title: page.title,
    href: visit.href(page.path),
    isHere: page === here,
    children,
  });
  const isWithin = (page: PageFacts, section: PageFacts) => page.path.startsWith(`${section.path}/`);
  return offered
    .filter(({ path }) => !path.includes('/'))
    .map((section) => {
      const isOpen = section.path !== '' && (here === section || isWithin(here, section));
      const below = isOpen ? offered.filter((page) => isWithin(page, section)) : [];
      return entry(
        section,
        below.map((page) => entry(page, [])),
      );
    });
}

export function crumbsOf(visit: Visit, page: PageFacts, { crumbs = [] }: Shown): Crumb[] {
  if (page.isOfAccount === true) return [{ title: page.title }, ...crumbs];
  const above = page.path
    .split('/')
    .map((_, at, steps) => steps.slice(0, at + 1).join('/'))
    .flatMap((path) => pages.filter((each) => each.path === path && path !== ''))
    .map(({ path, title }) => ({ title, href: visit.href(path) }));
  const home = { title: visit.organization.name, href: visit.href('') };
  return page.path === '' && crumbs.length === 0 ? [{ title: page.title }] : [home, ...above, ...crumbs];
}
