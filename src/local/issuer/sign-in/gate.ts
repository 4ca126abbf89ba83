// Guards the sign-in page: it is for whoever can read a file of the owner's, which other users of the machine cannot.
// The page asks for the code in it, once per browser. Guarantees: the code is compared in constant time, stands in no
// address, and cannot be tried without end.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { PlatformClock } from '../../core/types.ts';
import { createWrongTries } from '../wrong-tries.ts';

export type GateAnswer =
  | { readonly kind: 'open' /** What the browser is given, as a header. */; readonly cookie: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'too-many' };

export interface SignInGate {
  /** Returns whether this browser has shown the code. */
  isOpenFor(request: IncomingMessage): boolean;
  /** Returns who is there, for limits: the browser that has shown the code, otherwise the address it comes from. */
  visitorOf(request: IncomingMessage): string;
  /** Shows it. */
  open(code: string, visitor: string): GateAnswer;
}

const maxWrongCodes = 50;
const wrongForMs = 10 * 60_000;
const maxBrowsers = 1000;
const cookieName = 'chainctl-sign-in-code';

/** Without a code it is open for everybody. `isSecure`: the page is served over https. */
export function createSignInGate(code: string | undefined, clock: PlatformClock, isSecure: boolean): SignInGate {
  const browsers = new Set<string>();
  const wrong = createWrongTries(clock, maxWrongCodes, wrongForMs);
  const browserOf = (request: IncomingMessage): string | undefined => {
    for (const pair of (request.headers.cookie ?? '').split(';')) {
      const [name, value = ''] = pair.trim().split('=');
      const browser = digest(value).toString('hex');
      if (name === cookieName && browsers.has(browser)) return browser;
    }
    return undefined;
  };
  return {
    isOpenFor: (request) => code === undefined || browserOf(request) !== undefined,
    visitorOf: (request) => browserOf(request) ?? request.socket.remoteAddress ?? '',
    open(given, visitor) {
      if (wrong.isTooMany(visitor)) return { kind: 'too-many' };
      if (!timingSafeEqual(digest(given.trim()), digest(code ?? ''))) {
        wrong.note(visitor);
        return { kind: 'wrong' };
      }
      const value = Buffer.from(clock.randomBytes(32)).toString('base64url');
      for (const oldest of browsers) {
        if (browsers.size < maxBrowsers) break;
        browsers.delete(oldest);
      }
      browsers.add(digest(value).toString('hex'));
      const cookie = `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
      return { kind: 'open', cookie };
    },
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
