// Serves sign-in in a browser (protocols 1.1 to 1.5, 2, 9). Guarantees: tokens leave only to a loopback address over http, or
// sealed for the device whose code a person has compared, as the end of a sign-in that began in the same browser; works
// without scripts; nothing is made before a person has chosen.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes } from '../../../api/status.ts';
import { isUidp } from '../../../api/uidp.ts';
import { quote } from '../../../quote.ts';
import type { TokenClaims } from '../../../trust/claim-match.ts';
import { invalidArgument } from '../../core/failures.ts';
import { type HttpHandler, type PlatformClock, StatusError } from '../../core/types.ts';
import { sendJson } from '../../http/answers.ts';
import { findProviderFor } from '../../iam/find-provider.ts';
import { developerIssuer } from '../../iam/people.ts';
import type { Store } from '../../store/database.ts';
import type { FetchUpstream } from '../fetch-upstream.ts';
import type { OwnIdTokens } from '../own-id-tokens.ts';
import { mintThirdPartyToken } from '../simulated.ts';
import {
  formTargets,
  PageError,
  privacyHeaders,
  readForm,
  readFormOfAnySite,
  refuseEmbedded,
  sendFailure,
  sendPage,
  toPageError,
} from './answers.ts';
import { choicesOf, toPerson } from './choices.ts';
import {
  checkRedirect,
  consoleClient,
  type Destination,
  toConsoleLogin,
  toLoginRequest,
  waitingOf,
} from './destination.ts';
import { createSignInGate } from './gate.ts';
import { cancelled, createOutcome, type OutcomeOptions, type SignedIn } from './outcome.ts';
import { activatePage, type Choice, codePage, errorPage, leavePage, signInPage } from './page.ts';
import { createPendingLogins, type PendingLogin } from './pending-logins.ts';
import { createRelyingParty } from './relying-party.ts';

export interface BrowserLoginOptions extends OutcomeOptions {
  readonly store: Store;
  readonly clock: PlatformClock;
  readonly ownIdTokens: OwnIdTokens;
  readonly fetchUpstream: FetchUpstream;
  /** Proof that the page asks for before it shows anybody to sign in as; nothing when left out. */
  readonly signInCode?: string | undefined;
}

const idTokenSeconds = 600;

export function createBrowserLogin(options: BrowserLoginOptions): HttpHandler {
  const { store, urls, clock, ownIdTokens, headless, devices, fetchUpstream } = options;
  const relyingParty = createRelyingParty(urls, fetchUpstream);
  const pending = createPendingLogins(urls, clock);
  const settle = createOutcome(options);
  const gate = createSignInGate(options.signInCode, clock, urls.issuer.startsWith('https:'));

  const begin = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const query = url.searchParams;
    // A provider of an organization's own asks who it is; our own page would let anybody be anybody.
    if (query.get('idp_id') === null && !gate.isOpenFor(request)) return sendCodePage(response, 200, url, undefined);
    const code = query.get('headless_code');
    if (code !== null) {
      headless.check(code);
      return enter(response, { kind: 'headless', code }, query.get('idp_id'));
    }
    if (query.get('client_id') === consoleClient && !query.has('redirect')) {
      return enter(response, { kind: 'console', ...toConsoleLogin(query) }, query.get('idp_id'));
    }
    const redirect = checkRedirect(query.get('redirect'), urls);
    try {
      const login = toLoginRequest(query, redirect, urls);
      await enter(response, { kind: 'redirect', ...login }, query.get('idp_id'));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      sendFailure(response, redirect, error);
    }
  };

  /** The first page of a sign-in, or the way to the provider that is to do it. */
  const enter = async (response: ServerResponse, destination: Destination, idpId: string | null): Promise<void> => {
    const provider = idpId === null ? undefined : store.read((tx) => findProviderFor(tx, idpId));
    if (idpId !== null && provider === undefined) {
      throw invalidArgument(`there is no identity provider ${quote(idpId)}`);
    }
    const login: PendingLogin = { destination, provider: provider?.id, trip: undefined };
    const state = pending.begin(response, login);
    if (provider === undefined) return sendSignIn(response, 200, state, login, undefined);
    const { url, trip } = await relyingParty.leave(provider, state);
    login.trip = trip;
    if (destination.kind !== 'redirect' && destination.kind !== 'console') {
      // A person looks first at a request made on behalf of another device.
      const name = provider.name || provider.issuer;
      return sendPage(response, 200, leavePage(state, waitingOf(destination), name, url), []);
    }
    response.writeHead(303, { location: url.href, ...privacyHeaders, 'content-length': '0' });
    response.end();
  };

  const finish = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await readForm(request);
    const state = form.get('state') ?? '';
    const login = pending.resume(request, state);
    // Whoever was to sign in elsewhere does not do it here.
    if (login.provider !== undefined) throw invalidArgument('this sign-in is with an identity provider');
    const isDenied = form.has('deny');
    const person = isDenied ? undefined : toPerson(form, choices());
    if (!isDenied && person === undefined) {
      const problem = `${quote(form.get('email') ?? '')} is not an e-mail address`;
      return sendSignIn(response, 400, state, login, problem);
    }
    // Used up from here on, whatever comes of it.
    pending.useUp(response, state);
    if (person === undefined) return settle(response, login.destination, cancelled());
    const { subject, claims } = person;
    const { destination } = login;
    const upstream: TokenClaims = {
      issuer: developerIssuer,
      subject,
      audiences: [urls.issuer],
      all: { ...claims, iss: developerIssuer, sub: subject, aud: urls.issuer },
    };
    const account = { issuer: developerIssuer, subject };
    const ttlSeconds = idTokenSeconds;
    const idToken = () =>
      destination.kind === 'device'
        ? ownIdTokens.sign({ clientId: destination.clientId, upstream: account, claims, ttlSeconds })
        : mintThirdPartyToken(store, { ...account, claims, audience: urls.issuer, ttlSeconds, now: clock.now() });
    await settle(response, destination, { upstream, idToken });
  };

  /** Instead of leaving for a provider on behalf of another device. */
  const stay = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const state = (await readForm(request)).get('state') ?? '';
    const login = pending.resume(request, state);
    pending.useUp(response, state);
    await settle(response, login.destination, cancelled());
  };

  /** Back from the provider. */
  const arrive = async (request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> => {
    const state = query.get('state') ?? '';
    const login = pending.resume(request, state);
    const { provider: id, trip } = login;
    if (id === undefined || trip === undefined) throw invalidArgument('this sign-in was not at an identity provider');
    pending.useUp(response, state);
    let outcome: SignedIn | StatusError;
    try {
      const provider = store.read((tx) => findProviderFor(tx, id));
      if (provider === undefined) throw invalidArgument('the identity provider no longer exists');
      const { idToken, claims } = await relyingParty.arrive(provider, state, trip, query);
      const subject = typeof claims['sub'] === 'string' ? claims['sub'] : '';
      const upstream = { issuer: provider.issuer, subject, audiences: [provider.clientId], all: claims };
      outcome = { upstream, provider: id, idToken: async () => idToken };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      outcome = error;
    }
    await settle(response, login.destination, outcome);
  };

  /** The page where the code of another device is typed (RFC 8628, 3.3). It never goes on by itself. */
  const activate = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    if (!gate.isOpenFor(request)) return sendCodePage(response, 200, url, undefined);
    if (request.method === 'GET') {
      const given = url.searchParams.get('user_code') ?? '';
      return sendPage(response, 200, activatePage(given.slice(0, 20), undefined), []);
    }
    const form = await readForm(request);
    const userCode = (form.get('user_code') ?? '').slice(0, 20);
    const found = devices.find(userCode, gate.visitorOf(request));
    if (found === 'too-many') {
      throw new PageError(429, 'Too many wrong codes', [
        'A hundred wrong ones were typed in this browser in ten minutes, which is the most.',
        'Wait ten minutes, then start again on the other device.',
      ]);
    }
    if (found === 'unknown') {
      const problem = 'There is no such code. It may have expired: look at the other device again.';
      return sendPage(response, 400, activatePage(userCode, problem), []);
    }
    await enter(response, { kind: 'device', userCode, ...found }, null);
  };

  const sendCodePage = (response: ServerResponse, status: number, next: URL, problem: string | undefined): void =>
    sendPage(response, status, codePage(`${next.pathname}${next.search}`, problem), []);

  /**
   * From the page that asks, or from a file of the owner's, which is another site to the browser: the code is the
   * proof.
   */
  const takeCode = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await readFormOfAnySite(request);
    const wanted = form.get('next') ?? '';
    const next = new URL(/^\/(?:oauth|activate)(?:\?[^\s\\#]*)?$/.test(wanted) ? wanted : '/oauth', urls.issuer);
    const answer = gate.open(form.get('code') ?? '', gate.visitorOf(request));
    if (answer.kind === 'too-many') {
      throw new PageError(429, 'Too many wrong codes', ['Wait ten minutes, then start again from your program.']);
    }
    if (answer.kind === 'wrong') return sendCodePage(response, 403, next, 'That is not the code of this platform.');
    const location = `${next.pathname}${next.search}`;
    response.writeHead(303, { location, 'set-cookie': answer.cookie, ...privacyHeaders, 'content-length': '0' });
    response.end();
  };

  const sendSignIn = (
    response: ServerResponse,
    status: number,
    state: string,
    { destination }: PendingLogin,
    problem: string | undefined,
  ): void => {
    const here = destination.kind === 'redirect' ? destination : undefined;
    const page = signInPage({
      state,
      waiting: waitingOf(destination),
      audience: here?.audience ?? [],
      identity: here?.identity,
      scopes: here?.scopes ?? [],
      register: here?.register ?? destination.kind === 'console',
      choices: choices(),
      problem,
    });
    sendPage(response, status, page, here === undefined ? [] : [...formTargets(here.redirect)]);
  };

  const choices = (): Choice[] => store.read(choicesOf);

  const servePage = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /oauth':
        refuseEmbedded(request);
        return begin(request, response, url);
      case 'POST /oauth/code':
        refuseEmbedded(request);
        return takeCode(request, response);
      case 'POST /oauth/sign-in':
        return finish(request, response);
      case 'POST /oauth/leave':
        return stay(request, response);
      case 'GET /oauth/callback':
        return arrive(request, response, url.searchParams);
      case 'GET /activate':
      case 'POST /activate':
        return activate(request, response, url);
      default:
        throw new PageError(405, 'This page cannot be used that way', ['Start from the program that opened it.']);
    }
  };

  return {
    async handle(request, response, url) {
      if (url.pathname === '/orgcheck') {
        if (request.method !== 'GET') throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
        const name = url.searchParams.get('name');
        if (!name) throw invalidArgument('name must be specified');
        // A verified organization that has an identity provider (protocols 1.2); an id is no name.
        const found = isUidp(name) ? undefined : store.read((tx) => findProviderFor(tx, name));
        sendJson(response, 200, String(found !== undefined));
        return true;
      }
      if (!pages.has(url.pathname)) return false;
      try {
        await servePage(request, response, url);
      } catch (error) {
        const failure = error instanceof StatusError ? toPageError(error) : error;
        if (!(failure instanceof PageError)) throw failure;
        sendPage(response, failure.status, errorPage(failure.message, failure.lines), undefined);
      }
      return true;
    },
  };
}

const pages = new Set(['/oauth', '/oauth/code', '/oauth/sign-in', '/oauth/leave', '/oauth/callback', '/activate']);
