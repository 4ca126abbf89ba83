// Sign-in in a browser (protocols 1.1 to 1.5, 2, 9). Guarantees: tokens leave only to a loopback address over http, or sealed
// for the device whose code a person has compared, as the end of a sign-in that began in the same browser; works without
// scripts; nothing is made before a person has chosen.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { headlessCheck } from '../../api/headless.ts';
import { grpcCodes, httpStatusOf } from '../../api/status.ts';
import { isUidp } from '../../api/uidp.ts';
import { quote } from '../../quote.ts';
import type { TokenClaims } from '../../trust/claim-match.ts';
import { invalidArgument } from '../core/failures.ts';
import { isLoopbackHttp, isPlatformUrl } from '../core/loopback.ts';
import { type HttpHandler, type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson } from '../http/answers.ts';
import { readText } from '../http/request-body.ts';
import { topmostRolesOf } from '../iam/bind-role.ts';
import { findProviderFor } from '../iam/find-provider.ts';
import { developerIssuer, people } from '../iam/people.ts';
import { accountsOfIssuer, toStoredIdentity } from '../iam/stored-identity.ts';
import type { Store, Tx } from '../store/database.ts';
import type { BrowserSessions } from './browser-sessions.ts';
import type { DeviceCodes } from './device-codes.ts';
import type { FetchUpstream } from './fetch-upstream.ts';
import type { HeadlessSessions } from './headless-sessions.ts';
import type { OwnIdTokens } from './own-id-tokens.ts';
import { createRelyingParty, type ProviderTrip } from './relying-party.ts';
import { createSignInGate } from './sign-in-gate.ts';
import {
  activatePage,
  type Choice,
  codePage,
  errorPage,
  finishedPage,
  leavePage,
  type Page,
  signInPage,
  type Waiting,
} from './sign-in-page.ts';
import { developerToken, mintThirdPartyToken, toEmailAddress } from './simulated.ts';
import type { Sts } from './sts.ts';

export interface BrowserLoginOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  readonly sts: Sts;
  readonly headless: HeadlessSessions;
  readonly devices: DeviceCodes;
  readonly ownIdTokens: OwnIdTokens;
  readonly fetchUpstream: FetchUpstream;
  /** Logins of the console. */
  readonly sessions: BrowserSessions;
  /** What the page asks for before it shows anybody to sign in as; nothing when left out. */
  readonly signInCode?: string | undefined;
}

/** Where a sign-in ends. */
type Destination =
  | ({ readonly kind: 'redirect' } & LoginRequest)
  | ({ readonly kind: 'console' } & ConsoleLogin)
  | { readonly kind: 'headless'; readonly code: string }
  | { readonly kind: 'device'; readonly key: string; readonly userCode: string; readonly clientId: string };

/** What a program asks for when it opens the page. */
interface LoginRequest {
  readonly redirect: URL;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly identity: string | undefined;
  readonly register: boolean;
  readonly invite: string | undefined;
  readonly refreshable: boolean;
}

/** The platform's own pages, in this browser. */
interface ConsoleLogin {
  /** The path to go on to. */
  readonly next: string;
  readonly invite: string | undefined;
}

interface PendingLogin {
  readonly destination: Destination;
  /** Id of the organization's provider that is to say who it is; undefined for our own page. */
  readonly provider: string | undefined;
  /** While the browser is at that provider. */
  trip: ProviderTrip | undefined;
  /** Digest of the cookie that this browser was given. */
  readonly cookieDigest: Buffer;
  readonly createdAt: number;
}

/** Who has signed in, and the token that says so where one is needed. */
interface SignedIn {
  readonly upstream: TokenClaims;
  readonly provider?: string;
  readonly idToken: () => Promise<string>;
}

const pendingLifeMs = 10 * 60_000;
/** Waiting sign-ins: for one program, and in all. None is given up for another. */
const maxPendingPerClient = 20;
const maxPending = 2_000;
const maxFormBytes = 16 * 1024;
const maxChoices = 50;
const idTokenSeconds = 600;

export function createBrowserLogin(options: BrowserLoginOptions): HttpHandler {
  const { store, urls, clock, sts, ownIdTokens, headless, devices, fetchUpstream, sessions } = options;
  const relyingParty = createRelyingParty(urls, fetchUpstream);
  // In memory on purpose: a sign-in does not outlive the platform that began it. Oldest first.
  const pending = new Map<string, PendingLogin>();
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
    const state = randomText();
    const cookie = randomText();
    const login: PendingLogin = {
      destination,
      provider: provider?.id,
      trip: undefined,
      cookieDigest: digest(cookie),
      createdAt: clock.now(),
    };
    forgetOld();
    requireRoom(destination);
    pending.set(state, login);
    response.setHeader('set-cookie', cookieHeader(state, cookie, pendingLifeMs / 1000));
    if (provider === undefined) return sendSignIn(response, 200, state, login, undefined);
    const { url, trip } = await relyingParty.leave(provider, state);
    login.trip = trip;
    if (destination.kind !== 'redirect' && destination.kind !== 'console') {
      // What asks for another device's sake is looked at by a person first.
      const name = provider.name || provider.issuer;
      return sendPage(response, 200, leavePage(state, waitingOf(destination), name, url), []);
    }
    response.writeHead(303, { location: url.href, ...privacyHeaders, 'content-length': '0' });
    response.end();
  };

  /** The login that a form or a provider comes back for, in the browser that began it. */
  const resume = (request: IncomingMessage, state: string): PendingLogin => {
    forgetOld();
    const login = pending.get(state);
    if (login === undefined) {
      throw new PageError(400, 'This sign-in is over', [
        'It was already used, or more than ten minutes have passed, or the platform was started again.',
        'Start again from the program that wanted you to sign in.',
      ]);
    }
    const cookie = readCookie(request, cookieName(state));
    if (cookie === undefined || !timingSafeEqual(digest(cookie), login.cookieDigest)) {
      throw new PageError(403, 'This sign-in began in another browser', [
        'The browser did not send the cookie that belongs to it. Allow cookies for this address and start again.',
      ]);
    }
    return login;
  };

  const useUp = (response: ServerResponse, state: string): void => {
    pending.delete(state);
    response.setHeader('set-cookie', cookieHeader(state, '', 0));
  };

  const finish = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await readForm(request);
    const state = form.get('state') ?? '';
    const login = resume(request, state);
    // Whoever was to sign in elsewhere does not do it here.
    if (login.provider !== undefined) throw invalidArgument('this sign-in is with an identity provider');
    const isDenied = form.has('deny');
    const person = isDenied ? undefined : toPerson(form, choices());
    if (!isDenied && person === undefined) {
      const problem = `${quote(form.get('email') ?? '')} is not an e-mail address`;
      return sendSignIn(response, 400, state, login, problem);
    }
    // Used up from here on, whatever comes of it.
    useUp(response, state);
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
    const login = resume(request, state);
    useUp(response, state);
    await settle(response, login.destination, cancelled());
  };

  /** Back from the provider. */
  const arrive = async (request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> => {
    const state = query.get('state') ?? '';
    const login = resume(request, state);
    const { provider: id, trip } = login;
    if (id === undefined || trip === undefined) throw invalidArgument('this sign-in was not at an identity provider');
    useUp(response, state);
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

  /** Tells whoever waits. */
  const settle = async (
    response: ServerResponse,
    destination: Destination,
    outcome: SignedIn | StatusError,
  ): Promise<void> => {
    if (destination.kind === 'console') return settleHere(response, destination, outcome);
    if (destination.kind !== 'redirect') return settleElsewhere(response, destination, outcome);
    const { redirect, kind: _, ...wanted } = destination;
    try {
      if (outcome instanceof StatusError) throw outcome;
      const { upstream, provider } = outcome;
      const { token = '', refreshToken = '' } = await sts.signIn({ upstream, provider, ...wanted });
      sendRedirect(response, redirect, { token, refresh_token: refreshToken });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      sendFailure(response, redirect, error);
    }
  };

  /** No token leaves: the browser gets a number that stands for one. */
  const settleHere = async (
    response: ServerResponse,
    { next, invite }: ConsoleLogin,
    outcome: SignedIn | StatusError,
  ): Promise<void> => {
    if (outcome instanceof StatusError) throw toPageError(outcome);
    const { upstream, provider } = outcome;
    const wanted = { audience: [urls.api], scopes: [], identity: undefined, register: true, refreshable: true };
    const { token = '', refreshToken, expiry = '' } = await sts.signIn({ upstream, provider, invite, ...wanted });
    response.appendHeader('set-cookie', sessions.begin({ token, refreshToken, expiresAt: Date.parse(expiry) }));
    response.writeHead(303, { location: next, ...privacyHeaders, 'content-length': '0' });
    response.end();
  };

  const settleElsewhere = async (
    response: ServerResponse,
    destination: Exclude<Destination, { kind: 'redirect' | 'console' }>,
    outcome: SignedIn | StatusError,
  ): Promise<void> => {
    if (outcome instanceof StatusError) {
      if (destination.kind === 'headless') headless.deny(destination.code);
      else devices.deny(destination.key);
      if (outcome.code !== grpcCodes.PERMISSION_DENIED || outcome.message !== cancelled().message) {
        throw toPageError(outcome);
      }
      return sendPage(response, 200, finishedPage(true), undefined);
    }
    const idToken = await outcome.idToken();
    if (destination.kind === 'headless') headless.approve(destination.code, idToken);
    else if (!devices.approve(destination.key, idToken)) {
      throw new PageError(400, 'This code is over', ['Start again on the other device.']);
    }
    sendPage(response, 200, finishedPage(false), undefined);
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

  /** From the page that asks, or from a file of the owner's, which is another site to the browser: the code is the proof. */
  const takeCode = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = new URLSearchParams(await readText(request, maxFormBytes));
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

  const forgetOld = (): void => {
    for (const [state, { createdAt }] of pending) {
      if (clock.now() - createdAt < pendingLifeMs) break;
      pending.delete(state);
    }
  };

  /** A newcomer is refused rather than let one go that a person is looking at. */
  const requireRoom = (destination: Destination): void => {
    const origin = originOf(destination);
    let ofOne = 0;
    for (const login of pending.values()) if (originOf(login.destination) === origin) ofOne += 1;
    if (ofOne < maxPendingPerClient && pending.size < maxPending) return;
    throw new PageError(429, 'Too many sign-ins are waiting', [
      ofOne < maxPendingPerClient
        ? `More than ${maxPending} wait on this platform.`
        : `${maxPendingPerClient} wait for ${origin} already, which is the most for one origin.`,
      'Finish one of them, or wait ten minutes.',
    ]);
  };

  const cookieHeader = (state: string, value: string, seconds: number): string => {
    const secure = urls.issuer.startsWith('https:') ? '; Secure' : '';
    return `${cookieName(state)}=${value}; Path=/oauth; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  };

  const randomText = (): string => Buffer.from(clock.randomBytes(32)).toString('base64url');

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

function waitingOf(destination: Destination): Waiting {
  switch (destination.kind) {
    case 'redirect':
      return { kind: 'here', client: destination.redirect.host };
    case 'console':
      return { kind: 'console' };
    case 'headless':
      return { kind: 'elsewhere', check: headlessCheck(destination.code) };
    case 'device':
      return { kind: 'elsewhere', check: destination.userCode.toUpperCase() };
  }
}

/** Returns who waits: an address on this machine, or the kind of other device. */
function originOf(destination: Destination): string {
  switch (destination.kind) {
    case 'redirect':
      return destination.redirect.origin;
    case 'console':
      return 'the console';
    case 'headless':
      return 'sign-ins on another machine';
    case 'device':
      return `devices of ${destination.clientId}`;
  }
}

/** A page of another site may lead here, as a link does, and not ask behind a person's back, as an image does. */
function refuseEmbedded(request: IncomingMessage): void {
  const { 'sec-fetch-site': site, 'sec-fetch-dest': kind } = request.headers;
  if (site === undefined || site === 'none' || site === 'same-origin' || kind === 'document') return;
  throw new PageError(403, 'This sign-in was asked for by another site', ['Nothing has been done.']);
}

function cancelled(): StatusError {
  return new StatusError(grpcCodes.PERMISSION_DENIED, 'the sign-in was cancelled');
}

/** The fields of a form that one of our own pages sent. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') {
    throw new PageError(403, 'This sign-in was sent from another site', [
      'Nothing has been done. Start again from the program that wanted you to sign in.',
    ]);
  }
  return new URLSearchParams(await readText(request, maxFormBytes));
}

/** A failure that only the person at the browser can be told. */
class PageError extends Error {
  override readonly name = 'PageError';
  readonly status: number;
  readonly lines: readonly string[];

  constructor(status: number, message: string, lines: readonly string[]) {
    super(message);
    this.status = status;
    this.lines = lines;
  }
}

function toPageError(error: StatusError): PageError {
  return new PageError(httpStatusOf(error.code), 'This sign-in cannot be done', [error.message]);
}

/**
 * Tokens go only to a program on this machine: http, a loopback host, any port and path (protocols 1.8). What fails
 * here is shown and never redirected.
 */
function checkRedirect(text: string | null, urls: PlatformUrls): URL {
  if (text === null || text === '') {
    throw new PageError(400, 'Nobody asked for this sign-in', [
      'This page is opened by a program that wants you to sign in, and the address names none. Run chainctl auth login.',
    ]);
  }
  const url = URL.canParse(text) && text.length <= 2048 ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.username === '' && url.password === '' && url.hash === '';
  if (!isPlain || !isLoopbackHttp(url) || isPlatformUrl(url, urls)) {
    throw new PageError(400, 'This sign-in leads to another machine', [
      'The address asks to send your token somewhere else than to a program on this machine, so nothing was done.',
    ]);
  }
  return url;
}

function toLoginRequest(query: URLSearchParams, redirect: URL, urls: PlatformUrls): LoginRequest {
  const exit = query.get('exit') ?? 'redirect';
  if (exit !== 'redirect') throw invalidArgument(`exit ${quote(exit)} is not known`);
  // A program that asks for a code and the proof that goes with it must not get a token in the address instead.
  if (query.has('code_challenge') || query.get('response_type')?.split(' ').includes('code')) {
    throw invalidArgument('this issuer hands out tokens and no authorization codes');
  }
  const identity = query.get('identity') ?? undefined;
  if (identity !== undefined && !isUidp(identity))
    throw invalidArgument(`${quote(identity)} is not the id of an identity`);
  const audience = (query.get('audience') ?? '').split(',').filter((value) => value !== '');
  return {
    redirect,
    audience: audience.length > 0 ? audience : [urls.api],
    scopes: query.getAll('scope').map(unescapeTwice),
    identity,
    // Whoever brings an invite wants an account.
    register: query.get('skip_registration') !== 'true' || query.has('invite'),
    invite: query.get('invite') ?? undefined,
    refreshable: query.get('create_refresh_token') === 'true',
  };
}

/** `client_id` of the console (src/local/console). */
const consoleClient = 'chainctl-console';

/** Leads nowhere but into the console. */
function toConsoleLogin(query: URLSearchParams): ConsoleLogin {
  const next = query.get('next') ?? '';
  const isOwn = /^\/console(?:[/?][^\s\\#]*)?$/.test(next) && next.length <= 2048;
  return { next: isOwn ? next : '/console', invite: query.get('invite') || undefined };
}

/** Scopes arrive escaped twice (protocols 1.1); a name or an id has no percent sign of its own. */
function unescapeTwice(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidArgument(`scope ${quote(text)} is not well escaped`);
  }
}

/** Users of the sign-in page, and the seeded people who have not signed in yet. */
function choicesOf(tx: Tx): Choice[] {
  const rows = accountsOfIssuer(tx, developerIssuer, maxChoices);
  const known: Choice[] = rows.map((row) => {
    const { id, name, email } = toStoredIdentity(row);
    const person = people.find((candidate) => candidate.email === email);
    const subject = String(row['subject']);
    return { subject, name: person?.name ?? (name || undefined), email: email ?? undefined, roles: rolesOf(tx, id) };
  });
  const strangers = people.filter(({ subject }) => !known.some((choice) => choice.subject === subject));
  return [...known, ...strangers.map(({ subject, name, email }) => ({ subject, name, email, roles: undefined }))];
}

/** e.g. `owner of example.com`; empty for an account without roles. */
function rolesOf(tx: Tx, identity: string): string {
  const rows = topmostRolesOf(tx, identity, 3);
  const shown = rows.slice(0, 2).map((row) => `${String(row['role'])} of ${String(row['place'])}`);
  return rows.length > 2 ? `${shown.join(', ')} and more` : shown.join(', ');
}

/** Returns who was chosen; undefined when what was typed is not an address. */
function toPerson(
  form: URLSearchParams,
  offered: readonly Choice[],
): { subject: string; claims: Readonly<Record<string, unknown>> } | undefined {
  const chosen = offered.find(({ subject }) => subject === form.get('subject'));
  if (chosen !== undefined && chosen.email === undefined) return { subject: chosen.subject, claims: {} };
  const address = chosen?.email ?? toEmailAddress(form.get('email') ?? '');
  if (address === undefined) return undefined;
  const { subject, claims } = developerToken(address);
  return { subject: chosen?.subject ?? subject, claims };
}

function sendFailure(response: ServerResponse, redirect: URL, error: StatusError): void {
  const status = httpStatusOf(error.code);
  // `error=true` in the address says that the program understands failures; older ones would take them for nothing.
  if (!redirect.searchParams.has('error')) throw toPageError(error);
  sendRedirect(response, redirect, { error: error.message, status_code: String(status) });
}

/** Overwrites what the address said of results, and keeps every other key of it (protocols 1.4). */
function sendRedirect(response: ServerResponse, redirect: URL, results: Readonly<Record<string, string>>): void {
  const target = new URL(redirect);
  for (const key of ['token', 'refresh_token', 'error', 'status_code']) target.searchParams.delete(key);
  for (const [key, value] of Object.entries(results)) {
    if (value !== '') target.searchParams.set(key, value);
  }
  response.writeHead(303, { location: target.href, ...privacyHeaders, 'content-length': '0' });
  response.end();
}

const privacyHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** `targets`: where the page's forms lead besides this server; undefined for a page without forms. */
function sendPage(response: ServerResponse, status: number, page: Page, targets: readonly string[] | undefined): void {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${page.styleDigest}'`,
    // Browsers hold the redirects that follow a form to this list too.
    `form-action ${targets === undefined ? "'none'" : ["'self'", ...targets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page.html),
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
    ...privacyHeaders,
  });
  response.end(page.html);
}

/**
 * Returns where the form may lead: the program's address, and `localhost`, to which such programs redirect once more.
 */
function formTargets(redirect: URL): Set<string> {
  const port = redirect.port || '80';
  // The grammar of the policy has no IPv6 addresses.
  const host = redirect.hostname.startsWith('[') ? '*' : redirect.hostname;
  return new Set([`http://${host}:${port}`, `http://localhost:${port}`]);
}

/** One cookie for each sign-in, so that several may be open at once. */
function cookieName(state: string): string {
  return `chainctl-sign-in-${digest(state).toString('hex').slice(0, 16)}`;
}

function readCookie(request: IncomingMessage, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = pair.trim().split('=');
    if (key === name) return value;
  }
  return undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
