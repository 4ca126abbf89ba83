// One access token per audience, kept fresh. Guarantees: a token with more than a minute left costs one file; however
// many processes need a new one, one of them gets it; a refresh token goes to the issuer it came from and to no other.

import { readFileSync } from 'node:fs';
import type { IssuedTokens } from '../api/sts.ts';
import type { Config } from '../config/load.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { LockOptions } from '../lock.ts';
import { decodeClaims } from './jwt.ts';
import type { AllTokens } from './refresh-store.ts';
import { audienceParts, normalIssuer, storeTokens, subjectOf } from './store-tokens.ts';
import {
  audienceLock,
  type CachedTokens,
  deleteAllTokens,
  deleteTokens,
  isLocalIssuer,
  type LoginRecord,
  listFolders,
  readTokens,
  refreshRemainingMs,
  remainingMs,
  writeTokens,
} from './token-cache.ts';

export interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
  /** A browser may be opened when nothing else helps; `default.skip-auto-login` still forbids it. */
  readonly allowLogin?: boolean;
  /** Asks for a token newer than the one in the cache, because that one was refused. */
  readonly renew?: boolean;
  /** The issuer to renew at; the configured one unless said otherwise. */
  readonly issuer?: string;
  /** Called before a pause, so that a person knows why nothing happens. */
  readonly onRetry?: (reason: string, waitMs: number) => void;
}

/** A token with less than this left is replaced before it is used (protocols 3.6). */
export const renewBelowMs = 60_000;

/**
 * A token for the audience that is good for at least another minute. Throws kind `auth` when only a person can help.
 */
export async function accessToken(
  host: Host,
  config: Config,
  audience: string,
  options: SessionOptions = {},
): Promise<string> {
  const before = readOwnTokens(host, audience, normalIssuer(options.issuer ?? config.get('platform.issuer')));
  if (!options.renew && isFresh(host, before)) return before.token;
  const issuer = normalIssuer(options.issuer ?? config.get('platform.issuer'));
  const apiAudience = config.withoutFlag('platform.audience');
  const usable = (tokens: CachedTokens): tokens is FreshTokens =>
    isFresh(host, tokens) && !(options.renew && tokens.token === before.token);

  const renewing = async () => {
    // Another process may have done the work while this one waited.
    const tokens = await readAllTokens(host, audience);
    if (usable(tokens) && isOwn(tokens, issuer)) return tokens.token;
    return renew({ host, config, audience, issuer, apiAudience, options }, tokens);
  };
  // Nobody has logged in: that is the answer, also where no lock can be made because the home is read-only.
  const outcome = hasNothing(host, [audience, apiAudience])
    ? undefined
    : await withLock(audienceLock(host, audience), { signal: options.signal }, renewing);
  if (typeof outcome === 'string') return outcome;

  if (!options.allowLogin || config.isOn('default.skip-auto-login'))
    throw notLoggedIn(host, config, audience, before, outcome);
  // Its own lock: a person takes minutes, and nobody should wait for them who can do without.
  return withLock(`${audienceLock(host, audience)}.login`, { signal: options.signal, timeoutMs: 360_000 }, async () => {
    const tokens = readOwnTokens(host, audience, issuer);
    if (usable(tokens)) return tokens.token;
    const { login } = await import('./login.ts');
    const result = await login(host, config, { audience: [audience], issuer, signal: options.signal });
    return result.tokens[0]?.token ?? '';
  });
}

/** The audience of a registry's tokens: its host, with the port if it has one. */
export function audienceOfRegistry(url: string): string {
  return new URL(url).host.toLowerCase();
}

/** Returns what is kept for the audience, unless a local platform that goes by the same audience has issued it. */
function readOwnTokens(host: Host, audience: string, issuer: string): CachedTokens {
  const tokens = readTokens(host, audience);
  return isOwn(tokens, issuer) ? tokens : { token: undefined, refreshToken: undefined, record: undefined };
}

function isOwn({ token }: CachedTokens, issuer: string): boolean {
  const from = token === undefined ? undefined : decodeClaims(token)?.iss;
  return typeof from !== 'string' || normalIssuer(from) === issuer || !isLocalIssuer(from) || isLocalIssuer(issuer);
}

async function readAllTokens(host: Host, audience: string): Promise<AllTokens> {
  const store = await import('./refresh-store.ts');
  return store.readAllTokens(host, audience);
}

/** Forgets the tokens of one audience, or all of them; false when there were none. */
export async function logout(host: Host, audience?: string, signal?: AbortSignal): Promise<boolean> {
  const forget = (one: string) =>
    withLock(audienceLock(host, one), { signal }, async () => {
      const { emptyKeychain } = await import('./refresh-store.ts');
      const hadSecret = await emptyKeychain(host, one);
      return deleteTokens(host, one) || hadSecret;
    });
  if (audience !== undefined) return forget(audience);
  let found = false;
  // Under each lock, so that a refresh under way cannot put back what is removed here.
  for (const one of listFolders(host)) {
    try {
      found = (await forget(one)) || found;
    } catch (error) {
      // A file that others could write is not read, but removed below.
      if (!(error instanceof CliError) || error.code !== 'local.unsafe-cache') throw error;
    }
  }
  return deleteAllTokens(host) || found;
}

function hasNothing(host: Host, audiences: readonly string[]): boolean {
  return audiences
    .map((audience) => readTokens(host, audience))
    .every(({ token, refreshToken }) => token === undefined && refreshToken === undefined);
}

type FreshTokens = CachedTokens & { readonly token: string };

function isFresh(host: Host, tokens: CachedTokens): tokens is FreshTokens {
  return remainingMs(host.now(), tokens.token, renewBelowMs) > 0;
}

interface Renewal {
  readonly host: Host;
  readonly config: Config;
  readonly audience: string;
  readonly issuer: string;
  readonly apiAudience: string;
  readonly options: SessionOptions;
}

/** The new token, or why there is none and only a new login helps. Throws when the issuer cannot be asked. */
async function renew(renewal: Renewal, tokens: AllTokens): Promise<string | CliError | undefined> {
  const refusals: CliError[] = [];
  for (const way of [refreshOwn, mintAgain, refreshFromApi, mintAsForApi]) {
    try {
      const token = await way(renewal, tokens);
      // An interrupt that came while a refresh token was spent counts now that its successor is kept.
      renewal.options.signal?.throwIfAborted();
      if (token !== undefined) return token;
    } catch (error) {
      // A refusal leaves the next way open; an issuer that is down or slow is not asked three times.
      if (!(error instanceof CliError) || (error.kind !== 'auth' && error.kind !== 'not-found')) throw error;
      refusals.push(error);
    }
  }
  return refusals[0];
}

async function refreshOwn(renewal: Renewal, tokens: AllTokens): Promise<string | undefined> {
  const { host, config, audience, issuer } = renewal;
  if (!canRefresh(host, tokens, issuer)) return undefined;
  const renewed = await spendRefreshToken(renewal, audience, tokens);
  const { keepTokens } = await import('./refresh-store.ts');
  await keepTokens(host, config, audience, { ...renewed, record: tokens.record });
  return renewed.token;
}

/** As the login was made, when that needs no person (protocols Q10). */
async function mintAgain(renewal: Renewal, tokens: CachedTokens): Promise<string | undefined> {
  return mint(renewal, tokens.record);
}

/** As the login for the API was made, when it is the same identity: its identity token is good for any audience. */
async function mintAsForApi(renewal: Renewal, tokens: CachedTokens): Promise<string | undefined> {
  const { host, audience, apiAudience } = renewal;
  const own = tokens.record?.source.kind;
  // Its own way has just been tried.
  if (apiAudience === audience || own === 'file' || own === 'ambient') return undefined;
  const api = readTokens(host, apiAudience);
  if (tokens.token !== undefined && subjectOf(tokens.token) !== api.record?.subject) return undefined;
  return mint(renewal, api.record);
}

async function mint(renewal: Renewal, record: LoginRecord | undefined): Promise<string | undefined> {
  const { host, audience, issuer, options } = renewal;
  if (record === undefined || record.issuer !== issuer) return undefined;
  const identityTokens = await identityTokensOf(host, record, options.signal);
  if (identityTokens === undefined) return undefined;
  const { exchange } = await import('../api/sts.ts');
  const { firstFitting } = await import('./ambient.ts');
  const issued = await firstFitting(identityTokens, (token) =>
    exchange(host, {
      issuer,
      token,
      audience: audienceParts(audience),
      ...(record.identity === undefined ? {} : { identity: record.identity }),
      ...(record.identityProvider === undefined ? {} : { identityProvider: record.identityProvider }),
      ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
      signal: options.signal,
    }),
  );
  // A login does not turn into somebody else's because a file did.
  if (subjectOf(issued.token) !== record.subject) {
    throw new CliError('auth', 'The identity token now belongs to another identity than this login', {
      code: 'auth.other-identity',
    });
  }
  await storeTokens(host, renewal.config, audience, issued, record);
  return issued.token;
}

async function identityTokensOf(
  host: Host,
  record: LoginRecord,
  signal: AbortSignal | undefined,
): Promise<readonly [string, ...string[]] | undefined> {
  if (record.source.kind === 'file') {
    try {
      const token = readFileSync(record.source.path, 'utf8').trim();
      return token === '' ? undefined : [token];
    } catch {
      // The job that wrote it has cleaned up.
      return undefined;
    }
  }
  if (record.source.kind === 'ambient') {
    const { ambientProvider } = await import('./ambient.ts');
    const provider = ambientProvider(host);
    if (provider?.name === record.source.provider) {
      return provider.tokens({ audience: record.issuer, identity: record.identity, signal });
    }
  }
  return undefined;
}

/**
 * By the refresh token of the API's login, when it is the same person: only refresh tokens may obtain another audience
 * (protocols Q17, Q18). The rotated one stays where it was, because one kept twice would be used twice.
 */
async function refreshFromApi(renewal: Renewal, tokens: CachedTokens): Promise<string | undefined> {
  const { host, audience, issuer, apiAudience, options } = renewal;
  if (apiAudience === audience) return undefined;
  return withLock(audienceLock(host, apiAudience), { signal: options.signal }, async () => {
    const api = await readAllTokens(host, apiAudience);
    if (!canRefresh(host, api, issuer)) return undefined;
    const subject = subjectOf(api.token);
    if (tokens.token !== undefined && subjectOf(tokens.token) !== subject) return undefined;
    const renewed = await spendRefreshToken(renewal, apiAudience, api);
    if (renewed.refreshToken !== undefined) {
      const { keepTokens } = await import('./refresh-store.ts');
      const kept = { token: api.token, refreshToken: renewed.refreshToken, record: api.record };
      await keepTokens(host, renewal.config, apiAudience, kept);
    }
    await storeTokens(
      host,
      renewal.config,
      audience,
      { token: renewed.token, refreshToken: undefined },
      { issuer, source: { kind: 'browser' } },
    );
    return renewed.token;
  });
}

type RefreshableTokens = FreshTokens & { readonly refreshToken: string };

/** Throws kind `auth` when there is a refresh token that cannot be had. */
function canRefresh(host: Host, tokens: AllTokens, issuer: string): tokens is RefreshableTokens {
  if (tokens.keychainProblem !== undefined) {
    throw new CliError('auth', `The keychain does not give the refresh token that it holds: ${tokens.keychainProblem}`);
  }
  if (refreshRemainingMs(host.now(), tokens.refreshToken) === 0) return false;
  // Written by another tool, a login has no record of ours; then its token says who issued it.
  const from = tokens.record?.issuer ?? (tokens.token === undefined ? undefined : decodeClaims(tokens.token)?.iss);
  return typeof from === 'string' && normalIssuer(from) === issuer;
}

async function spendRefreshToken(renewal: Renewal, owner: string, held: RefreshableTokens): Promise<IssuedTokens> {
  const { host, audience, issuer, options } = renewal;
  const { refresh } = await import('../api/sts.ts');
  // A disk that is full fails now, while the refresh token is still good for something.
  writeTokens(host, owner, { token: held.token, refreshToken: undefined });
  try {
    return await refresh(host, {
      issuer,
      token: held.refreshToken,
      audience: audienceParts(audience),
      ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
      signal: options.signal,
    });
  } catch (error) {
    // Spent, revoked or of a deleted user: it will not get better, and must not be tried again by every command.
    if (error instanceof CliError && error.kind === 'auth') {
      const { forgetRefreshToken } = await import('./refresh-store.ts');
      await forgetRefreshToken(host, owner);
    }
    throw error;
  }
}

function notLoggedIn(
  host: Host,
  config: Config,
  audience: string,
  before: CachedTokens,
  reason: CliError | undefined,
): CliError {
  const state =
    before.token === undefined
      ? `no login for "${audience}"`
      : decodeClaims(before.token) === undefined
        ? `the token kept for "${audience}" is damaged`
        : remainingMs(host.now(), before.token) > 0
          ? `the login for "${audience}" is no longer accepted`
          : `the login for "${audience}" has expired`;
  return new CliError('auth', `Not authenticated: ${state}`, {
    code: 'auth.no-login',
    hint: loginHint(config, audience),
    ...(reason === undefined ? {} : { details: [reason.message], cause: reason }),
  });
}

/** The command that makes up for a login that is missing. */
export function loginHint(config: Config, audience: string): string {
  const isApi = audience === config.withoutFlag('platform.audience');
  return `run \`chainctl auth login${isApi ? '' : ` --audience=${audience}`}\``;
}

/** The lock is loaded when something must be renewed: a good token needs none. */
async function withLock<T>(path: string, options: LockOptions, fn: () => Promise<T>): Promise<T> {
  const lock = await import('../lock.ts');
  return lock.withLock(path, options, fn);
}
