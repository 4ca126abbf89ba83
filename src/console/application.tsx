// The console: which page an address means, what it needs, and what a form has done. Guarantees: knows neither HTTP servers nor
// how anybody signed in; a form is done once; what fails is one sentence on a page, with what was typed still in it.

import type { ComponentChildren } from 'preact';
import { type Holding, holdingsAt, holdingsOf } from '../access/authority.ts';
import type { IamGroup, IamRole } from '../api/schema/types/iam.gen.ts';
import { isAncestor, isAncestorOrSelf, isRoot, isUidp, parentOf } from '../api/uidp.ts';
import { type Caller, CallFailure } from './caller.ts';
import type { CloudSetup } from './clouds.ts';
import { FormProblem, formOf } from './form.ts';
import { contentPolicy, documentOf, type FrameProps, type MenuEntry, Message } from './frame.tsx';
import type {
  Action,
  Crumb,
  Group,
  PageDefinition,
  Place,
  PlatformAddresses,
  Sent,
  Shown,
  Visit,
  Went,
} from './page.ts';
import { pages } from './pages.gen.ts';
import { Session } from './session.ts';
import { SignedOut } from './signed-out.tsx';

export interface ConsoleOptions {
  /** What addresses begin with, without a slash at the end. */
  readonly prefix: string;
  readonly platform: PlatformAddresses;
  readonly clouds: CloudSetup;
  readonly now: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  /** The address of the sign-in that comes back to `next`, and accepts an invite by its code; undefined where a browser cannot sign in. */
  readonly signIn?: (next: string, invite?: string) => string;
  /** What to do without one, one sentence. */
  readonly signInHint?: string;
  /** Whether the browser may end its login. */
  readonly canSignOut?: boolean;
}

export interface ConsoleRequest {
  readonly method: 'GET' | 'POST';
  /** Of the address, percent-encoded, with the prefix. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Of a POST. */
  readonly fields: URLSearchParams;
  readonly session: Session | undefined;
  /** Scheme, host and port, as the browser calls them. */
  readonly origin: string;
  /** UIDP or name of the organization that this browser looked at last. */
  readonly lastOrganization: string | undefined;
}

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The organization that was looked at, to be remembered. */
  readonly organization?: string;
  /** The browser has ended its login. */
  readonly signedOut?: true;
}

export interface Application {
  newSession(caller: Caller): Session;
  answer(request: ConsoleRequest): Promise<ConsoleAnswer>;
}

export function createConsole(options: ConsoleOptions): Application {
  const { prefix, platform, clouds, now, randomBytes } = options;
  const start = `${prefix}/`;

  const answer = async (request: ConsoleRequest): Promise<ConsoleAnswer> => {
    const { session, method, path } = request;
    const steps = path
      .slice(prefix.length)
      .split('/')
      .filter((step) => step !== '')
      .map(decode);
    if (method === 'POST' && steps.join('/') === 'sign-out') return signOut(session);
    if (session === undefined) return withoutSession(request);
    try {
      return await within(request, session, steps);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (error.kind === 'signed-out') return withoutSession(request);
      const status = statusOf(error);
      return messagePage(status, headingOf(error), [error.message]);
    }
  };

  const signOut = (session: Session | undefined): ConsoleAnswer => {
    if (session !== undefined && options.canSignOut !== true) return messagePage(404, 'There is no such page', []);
    const links = [{ title: 'Sign in again', href: start }];
    return {
      ...messagePage(200, 'You are signed out', ['This browser holds nothing of your login any more.'], links),
      signedOut: true,
    };
  };

  const withoutSession = ({ method, path, query, fields }: ConsoleRequest): ConsoleAnswer => {
    const next = `${path}${query.size === 0 ? '' : `?${query}`}`;
    const signIn = options.signIn?.(method === 'GET' ? next : start);
    if (method === 'GET' && signIn !== undefined) return redirect(signIn);
    const body = (
      <SignedOut action={next} fields={fields} signIn={signIn} hint={options.signInHint} wasSent={method === 'POST'} />
    );
    return page(401, { ...bare, title: 'You are signed out', children: body });
  };

  const within = async (
    request: ConsoleRequest,
    session: Session,
    steps: readonly string[],
  ): Promise<ConsoleAnswer> => {
    const known = await knownOf(session, now());
    const { organizations } = known;
    const last =
      organizations.find(({ id, name }) => [id, name].includes(request.lastOrganization ?? '')) ?? organizations[0];
    if (steps[0] === 'switch') {
      const wanted = request.query.get('organization') ?? '';
      return redirect(`${prefix}/${wanted}/${request.query.get('page') ?? ''}`.replace(/[^\w/.-]/g, ''));
    }
    const [first = ''] = steps;
    const named = isUidp(first) || organizations.some(({ name }) => name === first);
    const found = findPage(named ? steps.slice(1) : steps);
    if (found === undefined)
      return messagePage(
        404,
        'There is no such page',
        ['The address names nothing of the console.'],
        [{ title: 'Overview', href: start }],
      );
    if (found.page.isOfAccount !== true && !named) {
      if (last === undefined) return redirect(`${prefix}/welcome`);
      const address = [prefix, last.id, ...steps.filter((step) => step !== '')].join('/');
      return redirect(`${address}${request.query.size === 0 ? '' : `?${request.query}`}`);
    }
    // A name that several have is none's.
    const matches = organizations.filter(({ id }) => id === first);
    const byName = organizations.filter(({ name }) => name === first);
    if (matches.length === 0 && byName.length === 1) matches.push(...byName);
    const organization = named ? matches[0] : (last ?? { id: '', name: '' });
    if (organization === undefined) {
      const links = organizations.map(({ id, name }) => ({ title: name, href: `${prefix}/${id}` }));
      return messagePage(
        404,
        'There is no such organization',
        ['It was deleted, or you may not see it any more.'],
        links,
      );
    }
    const visit = visitOf(request, session, known, organization);
    const formId = session.newFormId();
    return serve(request, session, visit, found, formId, known.organizations);
  };

  const serve = async (
    request: ConsoleRequest,
    session: Session,
    visit: Visit,
    found: Found,
    formId: string,
    organizations: readonly Group[],
  ): Promise<ConsoleAnswer> => {
    const { page: definition, action } = found;
    const inFrame = (shown: Shown, status = shown.status ?? 200): ConsoleAnswer => {
      const crumbs = crumbsOf(visit, definition, shown);
      const ticket = request.query.get('done');
      const notice = ticket === null ? undefined : session.take(ticket);
      const answer = page(status, {
        title: [
          ...(shown.title === undefined ? [] : [shown.title]),
          definition.title,
          ...(visit.organization.name === '' ? [] : [visit.organization.name]),
        ].join(' – '),
        crumbs,
        menu: visit.organization.id === '' ? [] : menuOf(visit, definition),
        selector:
          visit.organization.id === ''
            ? undefined
            : {
                action: `${prefix}/switch`,
                organizations,
                chosen: visit.organization.id,
                page: definition.isOfAccount === true ? '' : definition.path,
              },
        account: {
          name: visit.me.name,
          signOut: options.canSignOut === true ? `${prefix}/sign-out` : undefined,
          formId,
        },
        notice: typeof notice === 'string' ? notice : undefined,
        dialog: shown.dialog,
        children: shown.body,
      });
      return visit.organization.id === '' ? answer : { ...answer, organization: visit.organization.id };
    };
    try {
      if (request.method === 'POST') return await submit(request, session, visit, action, formId, inFrame);
      if (action.show === undefined)
        return messagePage(
          405,
          'This address is for a form',
          [],
          [{ title: definition.title, href: visit.href(definition.path) }],
        );
      const shown = await action.show(visit, formOf(request.query, formId));
      if (isWent(shown)) return redirect(shown.to);
      return isSent(shown) ? sent(shown) : inFrame(shown);
    } catch (error) {
      if (!(error instanceof CallFailure) || error.kind === 'signed-out') throw error;
      return inFrame(
        { body: <Message lines={[error.message]} />, crumbs: [{ title: headingOf(error) }] },
        statusOf(error),
      );
    }
  };

  const submit = async (
    request: ConsoleRequest,
    session: Session,
    visit: Visit,
    action: Action,
    formId: string,
    inFrame: (shown: Shown, status?: number) => ConsoleAnswer,
  ): Promise<ConsoleAnswer> => {
    const { submit: work, look } = action;
    if (work === undefined && look === undefined) return messagePage(405, 'This page takes no form', []);
    const sentId = request.fields.get('form') ?? '';
    if (!/^[\w-]{22}$/.test(sentId))
      return messagePage(400, 'This form is none of the console', ['Nothing has been done.']);
    try {
      const looked = await look?.(visit, formOf(request.fields, formId, {}, true));
      if (looked !== undefined) return inFrame(looked);
      if (work === undefined) return messagePage(405, 'This page takes no form', []);
      const went = await session.once(sentId, `${request.path}?${request.query}`, () =>
        work(visit, formOf(request.fields, sentId)).then((it) => finished(session, it)),
      );
      return redirect(went.to);
    } catch (error) {
      const isFormProblem = error instanceof FormProblem;
      if (!isFormProblem && (!(error instanceof CallFailure) || error.kind === 'signed-out')) throw error;
      session.forgetAnswers();
      if (action.show === undefined) throw error;
      const problems = isFormProblem ? error.problems : { '': error.message };
      const shown = await action.show(visit, formOf(request.fields, formId, problems, true));
      if (isSent(shown) || isWent(shown)) throw error;
      return inFrame(shown, isFormProblem ? 400 : statusOf(error));
    }
  };

  const finished = async (session: Session, went: Went): Promise<Went> => {
    session.forgetAnswers();
    // What was done is done, even if the login only learns of it later.
    if (went.renews) await session.caller.renew().catch(() => undefined);
    if (went.notice === undefined) return went;
    const [address = '', hash] = went.to.split('#');
    const ticket = session.put(went.notice);
    const mark = address.includes('?') ? '&' : '?';
    return { ...went, to: `${address}${mark}done=${ticket}${hash === undefined ? '' : `#${hash}`}` };
  };

  const visitOf = (request: ConsoleRequest, session: Session, known: Known, organization: Group): Visit => {
    const { me, groups, organizations } = known;
    const may = (capability: string, place = organization.id) => holdingsAt(me.holdings, capability, place).length > 0;
    const mayAnywhere = (capability: string) =>
      may(capability) ||
      me.holdings.some(
        ({ place, capabilities }) => isAncestor(organization.id, place) && capabilities.includes(capability),
      );
    const offered = pages
      .filter(({ menu, needs }) => menu !== undefined && (needs === undefined || needs.some(mayAnywhere)))
      .sort((a, b) => (a.menu ?? 0) - (b.menu ?? 0));
    return {
      caller: session.caller,
      platform,
      me,
      organization,
      organizations,
      places: placesOf(organization, groups),
      query: request.query,
      clouds,
      origin: request.origin,
      memory: session.memory,
      now: now(),
      randomBytes,
      may,
      mayAnywhere,
      offered,
      href(path, action = '', query = {}) {
        const definition = pages.find((each) => each.path === path);
        const base = definition?.isOfAccount === true ? prefix : `${prefix}/${organization.id}`;
        const search = new URLSearchParams(
          Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
        );
        return `${[base, path, action].filter((step) => step !== '').join('/')}${search.size === 0 ? '' : `?${search}`}`;
      },
      put: (value) => session.put(value),
      take: (ticket) => session.take(ticket),
      acceptAddress: options.signIn && ((code) => options.signIn?.(start, code) ?? start),
    };
  };

  return { newSession: (caller) => new Session(caller, randomBytes), answer };
}

interface Known {
  readonly me: { readonly id: string; readonly name: string; readonly holdings: readonly Holding[] };
  readonly groups: readonly Group[];
  readonly organizations: readonly Group[];
}

/** Returns what every page needs. */
function knownOf(session: Session, now: number): Promise<Known> {
  return session.cached('known', now, async () => {
    const { caller } = session;
    const [me, { items: groups = [] }] = await Promise.all([
      caller.call('auth.v1.Auth.Validate', {}),
      caller.call('iam.v1.Groups.List', {}),
    ]);
    // The issuer may name a role without what it allows; then the roles say it.
    const isBare = me.capabilities?.some(
      ({ role, capabilities = [] }) => role && capabilities.length === 0 && !role.capabilities,
    );
    const roles: readonly IamRole[] = isBare ? ((await caller.call('iam.v1.Roles.List', {})).items ?? []) : [];
    const named = groups.filter(isGroup).sort((a, b) => (a.name < b.name ? -1 : 1));
    const { subject: id = '', email = '', profile } = me;
    return {
      me: { id, name: email || profile?.name || id, holdings: holdingsOf(me, roles) },
      groups: named,
      organizations: named.filter((group) => isRoot(group.id)),
    };
  });
}

const isGroup = (group: IamGroup): group is Group => group.id !== undefined && group.name !== undefined;

function placesOf(organization: Group, groups: readonly Group[]): Place[] {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const nameOf = (id: string): string => {
    const name = byId.get(id)?.name ?? id;
    return isRoot(id) ? name : `${nameOf(parentOf(id))} / ${name}`;
  };
  return groups
    .filter(({ id }) => isAncestorOrSelf(organization.id, id))
    .map(({ id }) => ({ id, name: nameOf(id) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Found {
  readonly page: PageDefinition;
  readonly action: Action;
}

export function findPage(steps: readonly string[]): Found | undefined {
  const whole = steps.join('/');
  const exact = pages.find(({ path }) => path === whole);
  const page = exact ?? pages.find(({ path }) => path === steps.slice(0, -1).join('/'));
  const name = exact === undefined ? (steps.at(-1) ?? '') : '';
  if (page === undefined || !Object.hasOwn(page.actions, name)) return undefined;
  const action = page.actions[name];
  return action === undefined ? undefined : { page, action };
}

/** The pages that the caller may use, those of a section below it while one is there. */
function menuOf(visit: Visit, here: PageDefinition): MenuEntry[] {
  const { offered } = visit;
  const entry = (page: PageDefinition, children: readonly MenuEntry[]): MenuEntry => ({
    title: page.title,
    href: visit.href(page.path),
    isHere: page === here,
    children,
  });
  const isWithin = (page: PageDefinition, section: PageDefinition) => page.path.startsWith(`${section.path}/`);
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

function crumbsOf(visit: Visit, page: PageDefinition, { crumbs = [] }: Shown): Crumb[] {
  if (page.isOfAccount === true) return [{ title: page.title }, ...crumbs];
  const above = page.path
    .split('/')
    .map((_, at, steps) => steps.slice(0, at + 1).join('/'))
    .flatMap((path) => pages.filter((each) => each.path === path && path !== ''))
    .map(({ path, title }) => ({ title, href: visit.href(path) }));
  const home = { title: visit.organization.name, href: visit.href('') };
  return page.path === '' && crumbs.length === 0 ? [{ title: page.title }] : [home, ...above, ...crumbs];
}

const bare: Omit<FrameProps, 'title' | 'children'> = {
  crumbs: [],
  menu: [],
  selector: undefined,
  account: undefined,
  notice: undefined,
  dialog: undefined,
};

// Referrers stay on this origin: without them a browser would not say either where a form comes from.
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentPolicy,
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

function page(status: number, props: FrameProps): ConsoleAnswer {
  return { status, headers: pageHeaders, body: documentOf(props) };
}

/** A page without a frame that says one thing. */
export function messagePage(
  status: number,
  heading: string,
  lines: readonly string[],
  links: readonly Crumb[] = [],
): ConsoleAnswer {
  return alone(status, heading, <Message lines={lines} links={links} />);
}

/** A page without a frame. */
export const alone = (status: number, title: string, children: ComponentChildren): ConsoleAnswer =>
  page(status, { ...bare, title, children });

function redirect(location: string): ConsoleAnswer {
  const { 'cache-control': cache, 'referrer-policy': referrer } = pageHeaders;
  return { status: 303, headers: { location, 'cache-control': cache, 'referrer-policy': referrer }, body: '' };
}

const isSent = (shown: Shown | Sent | Went): shown is Sent => 'text' in shown;
const isWent = (shown: Shown | Sent | Went): shown is Went => 'to' in shown;

function sent({ type, text, fileName, headers }: Sent): ConsoleAnswer {
  const disposition =
    fileName === undefined
      ? {}
      : { 'content-disposition': `attachment; filename="${fileName.replace(/[^\w.-]/g, '_')}"` };
  return { status: 200, headers: { ...pageHeaders, 'content-type': type, ...disposition, ...headers }, body: text };
}

const statuses = {
  invalid: 400,
  refused: 403,
  missing: 404,
  taken: 409,
  'signed-out': 401,
  unreachable: 502,
  failed: 502,
} as const;
const statusOf = ({ kind }: CallFailure): number => statuses[kind];

const headings = {
  invalid: 'The platform does not accept this',
  refused: 'You may not do this',
  missing: 'It is not there',
  taken: 'It is there already',
  'signed-out': 'You are signed out',
  unreachable: 'The platform does not answer',
  failed: 'The platform has failed',
} as const;
const headingOf = ({ kind }: CallFailure): string => headings[kind];

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
