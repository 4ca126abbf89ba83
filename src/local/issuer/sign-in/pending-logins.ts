// Keeps the sign-ins that a browser has begun. Guarantees: each is used once, in the browser that began it, within ten
// minutes; one that a person is looking at is never dropped for a newcomer.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PlatformClock, PlatformUrls } from '../../core/types.ts';
import { PageError } from './answers.ts';
import { type Destination, originOf } from './destination.ts';
import type { ProviderTrip } from './relying-party.ts';

export interface PendingLogin {
  readonly destination: Destination;
  /** Id of the organization's provider that is to say who it is; undefined for our own page. */
  readonly provider: string | undefined;
  /** While the browser is at that provider. */
  trip: ProviderTrip | undefined;
}

interface Kept {
  readonly login: PendingLogin;
  /** Digest of the cookie that this browser was given. */
  readonly cookieDigest: Buffer;
  readonly createdAt: number;
}

export interface PendingLogins {
  /** Returns the state that names it, and gives the browser its cookie. Throws PageError when too many wait. */
  begin(response: ServerResponse, login: PendingLogin): string;
  /** Returns the login that a form or a provider comes back for. Throws PageError when it is over or another browser's. */
  resume(request: IncomingMessage, state: string): PendingLogin;
  /** Forgets it, and takes the cookie back. */
  useUp(response: ServerResponse, state: string): void;
}

const lifeMs = 10 * 60_000;
/** Waiting sign-ins: for one program, and in all. */
const maxPerClient = 20;
const maxInAll = 2_000;

export function createPendingLogins(urls: PlatformUrls, clock: PlatformClock): PendingLogins {
  // In memory on purpose: a sign-in does not outlive the platform that began it. Oldest first.
  const pending = new Map<string, Kept>();

  const forgetOld = (): void => {
    for (const [state, { createdAt }] of pending) {
      if (clock.now() - createdAt < lifeMs) break;
      pending.delete(state);
    }
  };

  const requireRoom = (destination: Destination): void => {
    const origin = originOf(destination);
    let ofOne = 0;
    for (const { login } of pending.values()) if (originOf(login.destination) === origin) ofOne += 1;
    if (ofOne < maxPerClient && pending.size < maxInAll) return;
    throw new PageError(429, 'Too many sign-ins are waiting', [
      ofOne < maxPerClient
        ? `More than ${maxInAll} wait on this platform.`
        : `${maxPerClient} wait for ${origin} already, which is the most for one origin.`,
      'Finish one of them, or wait ten minutes.',
    ]);
  };

  const randomText = (): string => Buffer.from(clock.randomBytes(32)).toString('base64url');

  const cookieHeader = (state: string, value: string, seconds: number): string => {
    const secure = urls.issuer.startsWith('https:') ? '; Secure' : '';
    return `${cookieName(state)}=${value}; Path=/oauth; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  };

  return {
    begin(response, login) {
      const state = randomText();
      const cookie = randomText();
      forgetOld();
      requireRoom(login.destination);
      pending.set(state, { login, cookieDigest: digest(cookie), createdAt: clock.now() });
      response.setHeader('set-cookie', cookieHeader(state, cookie, lifeMs / 1000));
      return state;
    },
    resume(request, state) {
      forgetOld();
      const kept = pending.get(state);
      if (kept === undefined) {
        throw new PageError(400, 'This sign-in is over', [
          'It was already used, or more than ten minutes have passed, or the platform was started again.',
          'Start again from the program that wanted you to sign in.',
        ]);
      }
      const cookie = readCookie(request, cookieName(state));
      if (cookie === undefined || !timingSafeEqual(digest(cookie), kept.cookieDigest)) {
        throw new PageError(403, 'This sign-in began in another browser', [
          'The browser did not send the cookie that belongs to it. Allow cookies for this address and start again.',
        ]);
      }
      return kept.login;
    },
    useUp(response, state) {
      pending.delete(state);
      response.setHeader('set-cookie', cookieHeader(state, '', 0));
    },
  };
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
