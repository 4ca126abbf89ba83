// The console: which page an address means, and the answer where there is none. Guarantees: knows neither HTTP servers
// nor how anybody signed in.

import { isUidp } from '../api/uidp.ts';
import {
  bare,
  type ConsoleAnswer,
  headingOf,
  isSent,
  isWent,
  messagePage,
  page,
  redirect,
  sent,
  statusOf,
} from './answers.tsx';
import { type Caller, CallFailure } from './caller.ts';
import { formOf } from './form.ts';
import { Message } from './frame.tsx';
import { crumbsOf, type Found, findPage, menuOf } from './navigation.ts';
import type { Group, Shown, Visit } from './page.ts';
import type { ConsoleOptions, ConsoleRequest } from './request.ts';
import { Session } from './session.ts';
import { SignedOut } from './signed-out.tsx';
import { submit } from './submit.ts';
import { knownOf, visitOf } from './visit.ts';

export interface Application {
  newSession(caller: Caller): Session;
  /** Gets what a page needs before somebody asks for it; `path` as in its address, behind the organization. */
  prepare(session: Session, path: string): Promise<void>;
  answer(request: ConsoleRequest): Promise<ConsoleAnswer>;
}

export function createConsole(options: ConsoleOptions): Application {
  const { prefix, now, randomBytes } = options;
  const start = `${prefix}/`;

  const answer = async (request: ConsoleRequest): Promise<ConsoleAnswer> => {
    const { session, method, path } = request;
    const steps = stepsOf(path.slice(prefix.length));
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
    // Load the likely page while the platform is asked.
    const likely = findPage(isUidp(steps[0] ?? '') ? steps.slice(1) : steps);
    const [known] = await Promise.all([knownOf(session, now()), likely?.page.load()]);
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
    const visit = visitOf(options, request, session, known, organization);
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
    const { page: definition } = found;
    const action = (await definition.load())[found.action] ?? {};
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
      if (request.method === 'POST') return await submit({ request, session, visit, action, formId, inFrame });
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

  return {
    newSession: (caller) => new Session(caller, randomBytes),
    async prepare(session, path) {
      const known = knownOf(session, now());
      const page = findPage(stepsOf(path))?.page.load();
      // Ignore failures: the request that needs it says so.
      await Promise.allSettled([known, page]);
    },
    answer,
  };
}

const stepsOf = (path: string): string[] =>
  path
    .split('/')
    .filter((step) => step !== '')
    .map(decode);

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
