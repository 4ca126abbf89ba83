// Browser login (protocols 1.1 to 1.5). Promises: tokens leave only to a loopback address over http, as the end of a
// sign-in that began in the same browser; works without scripts; nothing is made before a person has chosen.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes, httpStatusOf } from '../../api/status.ts';
import { isUidp } from '../../api/uidp.ts';
import { invalidArgument } from '../failures.ts';
import { sendJson } from '../http/answers.ts';
import { readText } from '../http/request-body.ts';
import { developerIssuer, people } from '../seed/people.ts';
import { toIdentityRecord } from '../services/identity-records.ts';
import type { Store, Tx } from '../store/database.ts';
import { type HttpHandler, type PlatformClock, type PlatformUrls, StatusError } from '../types.ts';
import { isLoopbackHttp, isPlatformUrl } from './loopback.ts';
import { quote } from './quote.ts';
import { type Choice, errorPage, type Page, signInPage } from './sign-in-page.ts';
import { developerToken, toEmailAddress } from './simulated.ts';
import type { Sts } from './sts.ts';

export interface BrowserLoginOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  readonly sts: Sts;
}

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

interface PendingLogin {
  readonly request: LoginRequest;
  /** Digest of the cookie that this browser was given. */
  readonly cookieDigest: Buffer;
  readonly createdAt: number;
}

const pendingLifeMs = 10 * 60_000;
const mostPending = 200;
const largestForm = 16 * 1024;
const mostChoices = 50;

export function createBrowserLogin(options: BrowserLoginOptions): HttpHandler {
  const { store, urls, clock, sts } = options;
  // In memory on purpose: a sign-in does not outlive the platform that began it. Oldest first.
  const pending = new Map<string, PendingLogin>();

  const begin = (response: ServerResponse, query: URLSearchParams): void => {
    if (query.has('headless_code')) {
      throw new PageError(501, 'Sign-in from another device is not available yet', [
        'This platform does not offer headless sign-in so far. Sign in with a browser on the same machine instead.',
      ]);
    }
    const redirect = checkRedirect(query.get('redirect'), urls);
    let request: LoginRequest;
    try {
      request = toLoginRequest(query, redirect, urls);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      sendFailure(response, redirect, error);
      return;
    }
    const state = randomText();
    const cookie = randomText();
    forgetOld();
    pending.set(state, { request, cookieDigest: digest(cookie), createdAt: clock.now() });
    response.setHeader('set-cookie', cookieHeader(state, cookie, pendingLifeMs / 1000));
    sendSignIn(response, 200, state, request, undefined);
  };

  const finish = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin') {
      throw new PageError(403, 'This sign-in was sent from another site', [
        'Nothing has been done. Start again from the program that wanted you to sign in.',
      ]);
    }
    const form = new URLSearchParams(await readText(request, largestForm));
    const state = form.get('state') ?? '';
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
    const { redirect, register, ...wanted } = login.request;
    const isDenied = form.has('deny');
    const person = isDenied ? undefined : toPerson(form, choices());
    if (!isDenied && person === undefined) {
      const problem = `${quote(form.get('email') ?? '')} is not an e-mail address`;
      return sendSignIn(response, 400, state, login.request, problem);
    }
    // Used up from here on, whatever comes of it.
    pending.delete(state);
    response.setHeader('set-cookie', cookieHeader(state, '', 0));
    try {
      if (person === undefined) throw new StatusError(grpcCodes.PERMISSION_DENIED, 'the sign-in was cancelled');
      const { subject, claims } = person;
      const all = { ...claims, iss: developerIssuer, sub: subject, aud: urls.issuer };
      const upstream = { issuer: developerIssuer, subject, audiences: [urls.issuer], all };
      const { token = '', refreshToken = '' } = await sts.signIn({ upstream, register, ...wanted });
      sendRedirect(response, redirect, { token, refresh_token: refreshToken });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      sendFailure(response, redirect, error);
    }
  };

  const sendSignIn = (
    response: ServerResponse,
    status: number,
    state: string,
    request: LoginRequest,
    problem: string | undefined,
  ): void => {
    const { redirect, audience, identity, scopes, register } = request;
    const page = signInPage({
      state,
      client: redirect.host,
      audience,
      identity,
      scopes,
      register,
      choices: choices(),
      problem,
    });
    sendPage(response, status, page, [...formTargets(redirect)]);
  };

  const choices = (): Choice[] => store.read(choicesOf);

  const forgetOld = (): void => {
    for (const [state, { createdAt }] of pending) {
      if (clock.now() - createdAt < pendingLifeMs && pending.size < mostPending) break;
      pending.delete(state);
    }
  };

  const cookieHeader = (state: string, value: string, seconds: number): string => {
    const secure = urls.issuer.startsWith('https:') ? '; Secure' : '';
    return `${cookieName(state)}=${value}; Path=/oauth; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  };

  const randomText = (): string => Buffer.from(clock.randomBytes(32)).toString('base64url');

  return {
    async handle(request, response, url) {
      const { method } = request;
      if (url.pathname === '/orgcheck') {
        if (method !== 'GET') throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
        if (!url.searchParams.get('name')) throw invalidArgument('name must be specified');
        // True takes a verified organization that has an identity provider (protocols 1.2), and no organization of
        // this platform can have one yet.
        sendJson(response, 200, 'false');
        return true;
      }
      const isStart = url.pathname === '/oauth';
      if (!isStart && url.pathname !== '/oauth/sign-in') return false;
      try {
        if (isStart && method === 'GET') begin(response, url.searchParams);
        else if (!isStart && method === 'POST') await finish(request, response);
        else throw new PageError(405, 'This page cannot be used that way', ['Start from the program that opened it.']);
      } catch (error) {
        const failure = error instanceof StatusError ? toPageError(error) : error;
        if (!(failure instanceof PageError)) throw failure;
        sendPage(response, failure.status, errorPage(failure.message, failure.lines), []);
      }
      return true;
    },
  };
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
  const unavailable = (what: string) => new StatusError(grpcCodes.UNIMPLEMENTED, `${what} on this platform yet`);
  const exit = query.get('exit') ?? 'redirect';
  if (exit !== 'redirect') throw invalidArgument(`exit ${quote(exit)} is not known`);
  if (query.has('idp_id')) throw unavailable('identity providers of organizations are not available');
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
  const rows = tx.all(
    'SELECT * FROM identities WHERE parent IS NULL AND issuer = ? ORDER BY created_at, email, id LIMIT ?',
    developerIssuer,
    mostChoices,
  );
  const known: Choice[] = rows.map((row) => {
    const { id, name, email } = toIdentityRecord(row);
    const person = people.find((candidate) => candidate.email === email);
    const subject = String(row['subject']);
    return { subject, name: person?.name ?? (name || undefined), email: email ?? undefined, roles: rolesOf(tx, id) };
  });
  const strangers = people.filter(({ subject }) => !known.some((choice) => choice.subject === subject));
  return [...known, ...strangers.map(({ subject, name, email }) => ({ subject, name, email, roles: undefined }))];
}

/** e.g. `owner of example.com`; empty for an account without roles. */
function rolesOf(tx: Tx, identity: string): string {
  const rows = tx.all(
    `SELECT r.name AS role, g.name AS place FROM role_bindings b JOIN roles r ON r.id = b.role
     JOIN groups g ON g.id = b.group_id WHERE b.identity = ? ORDER BY length(g.id), g.name, r.name LIMIT 3`,
    identity,
  );
  const shown = rows.slice(0, 2).map((row) => `${String(row['role'])} of ${String(row['place'])}`);
  return rows.length > 2 ? `${shown.join(', ')} and more` : shown.join(', ');
}

/** Who was chosen; undefined when what was typed is not an address. */
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

function sendPage(response: ServerResponse, status: number, page: Page, targets: readonly string[]): void {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${page.styleDigest}'`,
    // Browsers hold the redirects that follow a form to this list too.
    `form-action ${targets.length === 0 ? "'none'" : ["'self'", ...targets].join(' ')}`,
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

/** Where the form may lead: the program's address, and `localhost`, to which such programs redirect once more. */
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
