// Reads who waits for a sign-in from the address of its page (protocols 1.1, 1.8, 2). Guarantees: tokens are meant for a
// program on this machine, another device or the console, and for nobody else.

import { headlessCheck } from '../../../api/headless.ts';
import { isUidp } from '../../../api/uidp.ts';
import { quote } from '../../../quote.ts';
import { invalidArgument } from '../../core/failures.ts';
import { isLoopbackHttp, isPlatformUrl } from '../../core/loopback.ts';
import type { PlatformUrls } from '../../core/types.ts';
import { PageError } from './answers.ts';
import type { Waiting } from './page.ts';

/** Result of a sign-in. */
export type Destination =
  | ({ readonly kind: 'redirect' } & LoginRequest)
  | ({ readonly kind: 'console' } & ConsoleLogin)
  | { readonly kind: 'headless'; readonly code: string }
  | { readonly kind: 'device'; readonly key: string; readonly userCode: string; readonly clientId: string };

/** Parameters of a program that opens the page. */
export interface LoginRequest {
  readonly redirect: URL;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly identity: string | undefined;
  readonly register: boolean;
  readonly invite: string | undefined;
  readonly refreshable: boolean;
}

/** The platform's own pages, in this browser. */
export interface ConsoleLogin {
  /** The path to go on to. */
  readonly next: string;
  readonly invite: string | undefined;
}

export function waitingOf(destination: Destination): Waiting {
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
export function originOf(destination: Destination): string {
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

/**
 * Tokens go only to a program on this machine: http, a loopback host, any port and path (protocols 1.8). What fails
 * here is shown and never redirected.
 */
export function checkRedirect(text: string | null, urls: PlatformUrls): URL {
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

export function toLoginRequest(query: URLSearchParams, redirect: URL, urls: PlatformUrls): LoginRequest {
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
export const consoleClient = 'chainctl-console';

/** Leads nowhere but into the console. */
export function toConsoleLogin(query: URLSearchParams): ConsoleLogin {
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
