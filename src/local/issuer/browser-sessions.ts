// Logins that a browser holds at the platform itself, for its console. Guarantees: the browser knows a number and no token; what
// is kept of it is a digest, in memory, so a login ends with the platform; a login that nobody uses ends by itself.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { unauthenticated } from '../core/failures.ts';
import type { PlatformClock } from '../core/types.ts';
import type { Sts } from './sts.ts';

export interface BrowserSession {
  /** An access token for the API, which says what the login may do now or a few minutes ago. Throws UNAUTHENTICATED. */
  accessToken(): Promise<string>;
  /** Has the next token say what was granted meanwhile. */
  renew(): void;
  /** Returns the cookie that takes the browser's away. */
  end(): string;
}

export interface BrowserSessions {
  /** Returns the cookie of a new login. */
  begin(login: {
    readonly token: string;
    readonly refreshToken: string | undefined;
    readonly expiresAt: number;
  }): string;
  find(request: Pick<IncomingMessage, 'headers'>): BrowserSession | undefined;
}

const idleMs = 12 * 3_600_000;
/** A token says what its holder may do when it is made, so a long-lived one would hide what was granted since. */
const freshMs = 5 * 60_000;
const maxSessions = 1000;

interface Kept {
  token: string;
  refreshToken: string | undefined;
  /** Milliseconds since the epoch, as all of these. */
  renewAt: number;
  expiresAt: number;
  usedAt: number;
  renewing: Promise<void> | undefined;
  session: BrowserSession;
}

/** `exchange`: how a refresh token is traded. `port`: cookies do not tell ports apart, so their name does. */
export function createBrowserSessions(options: {
  readonly exchange: Sts['exchangeRefreshToken'];
  readonly audience: string;
  readonly clock: PlatformClock;
  readonly url: string;
}): BrowserSessions {
  const { exchange, audience, clock, url } = options;
  const { port, protocol } = new URL(url);
  const name = `chainctl-console-${port || protocol.replace(':', '')}`;
  const attributes = `Path=/console; HttpOnly; SameSite=Lax${protocol === 'https:' ? '; Secure' : ''}`;
  // Oldest use first.
  const sessions = new Map<string, Kept>();

  const renewed = async (kept: Kept): Promise<void> => {
    const { refreshToken } = kept;
    if (refreshToken === undefined) return;
    const { token, refreshToken: next } = await exchange(refreshToken, { aud: [audience] });
    kept.token = token?.token ?? kept.token;
    kept.refreshToken = next?.token ?? refreshToken;
    kept.expiresAt = Date.parse(token?.expiry ?? '') || kept.expiresAt;
    kept.renewAt = clock.now() + freshMs;
  };

  const open = (key: string, login: Parameters<BrowserSessions['begin']>[0]): Kept => {
    const kept: Kept = {
      ...login,
      renewAt: clock.now() + freshMs,
      usedAt: clock.now(),
      renewing: undefined,
      session: {
        async accessToken() {
          if (clock.now() >= kept.renewAt) {
            // A refresh token is good once, so requests at the same time share its exchange.
            kept.renewing ??= renewed(kept).finally(() => {
              kept.renewing = undefined;
            });
            await kept.renewing.catch(() => {
              sessions.delete(key);
              throw unauthenticated('the login has ended');
            });
          }
          if (clock.now() >= kept.expiresAt) {
            sessions.delete(key);
            throw unauthenticated('the login has ended');
          }
          return kept.token;
        },
        renew() {
          kept.renewAt = 0;
        },
        end() {
          sessions.delete(key);
          return `${name}=; ${attributes}; Max-Age=0`;
        },
      },
    };
    return kept;
  };

  return {
    begin(login) {
      const value = Buffer.from(clock.randomBytes(32)).toString('base64url');
      for (const [oldest, { usedAt }] of sessions) {
        if (sessions.size < maxSessions && clock.now() - usedAt < idleMs) break;
        sessions.delete(oldest);
      }
      const key = digest(value);
      sessions.set(key, open(key, login));
      return `${name}=${value}; ${attributes}`;
    },
    find(request) {
      for (const pair of (request.headers.cookie ?? '').split(';')) {
        const [cookie, value = ''] = pair.trim().split('=');
        if (cookie !== name) continue;
        const key = digest(value);
        const kept = sessions.get(key);
        if (kept === undefined) continue;
        sessions.delete(key);
        if (clock.now() - kept.usedAt >= idleMs) continue;
        kept.usedAt = clock.now();
        sessions.set(key, kept);
        return kept.session;
      }
      return undefined;
    },
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
