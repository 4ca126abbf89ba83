// The companion of `auth login --refresh`: tokens of the cache renewed before they expire, for as long as the process
// lives. Guarantees: it never waits past a minute without looking at the clock, so a machine that slept is noticed; an
// issuer that cannot be reached is asked again; an interrupt ends it between two renewals.

import type { Config } from '../config/load.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { decodeClaims, expiryOf, refreshExpiryOf } from './jwt.ts';
import { accessToken } from './session.ts';
import { type CachedTokens, listAudiences, readTokens, refreshRemainingMs } from './token-cache.ts';

export interface TokenRefresherOptions {
  /** Whose tokens; undefined for all of the cache, looked for anew each time. */
  readonly audiences: readonly string[] | undefined;
  readonly issuer: string;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** Renewed when so much of its life is left, in milliseconds, or a fifth of it for tokens that live shorter. */
const leadMs = 5 * 60_000;
const maxSleepMs = 60_000;
const firstRetryMs = 1_000;
const shortestPauseMs = 10_000;

/** Resolves when the signal is aborted. Throws kind `auth` when none of the audiences can be renewed any more. */
export async function refreshTokensUntilStopped(
  host: Host,
  config: Config,
  options: TokenRefresherOptions,
): Promise<void> {
  const { signal } = options;
  const states = new Map<string, AudienceState>();
  while (!signal.aborted) {
    const audiences = options.audiences ?? listAudiences(host);
    if (options.audiences === undefined) forgetOthers(states, audiences);
    let wakeAt = host.now() + maxSleepMs;
    for (const audience of audiences) {
      if (signal.aborted) return;
      const state = states.get(audience) ?? { retryMs: 0, refused: undefined, refusedToken: undefined };
      states.set(audience, state);
      wakeAt = Math.min(wakeAt, await tend(host, config, audience, state, options));
    }
    const refusals = [...states.values()].flatMap(({ refused }) => refused ?? []);
    const [first] = refusals;
    // The whole cache is watched on: somebody may log in again. Named audiences are what this process is for.
    if (options.audiences !== undefined && first !== undefined && refusals.length === states.size) throw first;
    try {
      await host.sleep(Math.max(0, wakeAt - host.now()), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

interface AudienceState {
  /** Milliseconds to the next attempt after a failure that may pass; 0 when there was none. */
  retryMs: number;
  refused: CliError | undefined;
  /** The token that could not be renewed. Another one means that somebody logged in again. */
  refusedToken: string | undefined;
}

/** Renews one token if it is time, and says when to look again, in milliseconds since the epoch. */
async function tend(
  host: Host,
  config: Config,
  audience: string,
  state: AudienceState,
  options: TokenRefresherOptions,
): Promise<number> {
  const never = Number.POSITIVE_INFINITY;
  const before = readTokens(host, audience);
  if (state.refused !== undefined) {
    if (before.token === state.refusedToken) return never;
    state.refused = undefined;
  }
  // Logged out, or found under an alias of another tool's.
  if (before.token === undefined && before.refreshToken === undefined) return never;
  const due = dueAt(before);
  if (state.retryMs === 0 && due > host.now()) return due;
  try {
    await accessToken(host, config, audience, { renew: true, issuer: options.issuer, signal: options.signal });
  } catch (error) {
    if (options.signal.aborted) return never;
    if (!(error instanceof CliError) || error.kind === 'internal') throw error;
    if (error.kind === 'auth' || error.kind === 'not-found' || error.kind === 'local') {
      state.refused = error;
      state.refusedToken = before.token;
      state.retryMs = 0;
      options.warn(`The token for "${audience}" cannot be renewed: ${error.details[0] ?? error.message}`);
      return never;
    }
    if (state.retryMs === 0)
      options.warn(`The token for "${audience}" was not renewed: ${error.message}; trying again`);
    state.retryMs = Math.min(Math.max(firstRetryMs, state.retryMs * 2), maxSleepMs);
    return host.now() + state.retryMs;
  }
  state.retryMs = 0;
  const after = readTokens(host, audience);
  options.note(
    `Renewed the token for "${audience}"; it is good until ${new Date(expiryOf(after.token ?? '')).toISOString()}`,
  );
  // Whatever the tokens say of themselves, not in a circle.
  return Math.max(dueAt(after), host.now() + shortestPauseMs);
}

/** Returns when to renew: while there is time for failures, and before the refresh token itself ends. */
function dueAt(tokens: CachedTokens): number {
  const expiresAt = expiryOf(tokens.token ?? '');
  const issuedAt = decodeClaims(tokens.token ?? '')?.iat;
  const life = typeof issuedAt === 'number' ? expiresAt - issuedAt * 1000 : Number.POSITIVE_INFINITY;
  const due = expiresAt - Math.min(leadMs, Math.max(0, life) / 5);
  return tokens.refreshToken === undefined ? due : Math.min(due, refreshExpiryOf(tokens.refreshToken) - leadMs);
}

function forgetOthers(states: Map<string, AudienceState>, audiences: readonly string[]): void {
  for (const audience of states.keys()) if (!audiences.includes(audience)) states.delete(audience);
}

/** Returns why nothing could renew the token for this audience, or undefined when something can. */
export function whyNotRenewable(host: Host, audience: string): string | undefined {
  const { token, refreshToken, record } = readTokens(host, audience);
  if (token === undefined) return `there is no login for "${audience}"`;
  if (refreshRemainingMs(host.now(), refreshToken) > 0 || record?.refreshIn === 'keychain') return undefined;
  if (record?.source.kind === 'file' || record?.source.kind === 'ambient') return undefined;
  return `the login for "${audience}" left nothing to renew it with: neither a refresh token nor the path of a token`;
}
