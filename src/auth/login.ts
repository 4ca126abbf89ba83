// Logging in, by whichever way was asked for (protocols 1, 3, 8.3). Ends with one stored token per audience.

import { exchange, type IssuedTokens, refresh } from '../api/sts.ts';
import { isUidp } from '../api/uidp.ts';
import type { Config } from '../config/load.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { withLock } from '../lock.ts';
import { firstFitting } from './ambient.ts';
import { type BrowserLoginRequest, browserLogin } from './browser-login.ts';
import { findIdentityToken, type IdentityToken } from './identity-token.ts';
import { decodeClaims, expiryOf } from './jwt.ts';
import { chooseProvider, type Provider, type ProviderChoice } from './provider.ts';
import { audienceParts, storeTokens } from './store-tokens.ts';
import { audienceLock, type LoginSource, requireRoom } from './token-cache.ts';
import { verifyToken } from './verify.ts';

export interface LoginOptions {
  /** One token for each; the API's audience when left out. */
  readonly audience?: readonly string[];
  /**
   * Further audiences, for a token that is kept nowhere and so cannot be exchanged again when they are needed. What the
   * issuer refuses for them is told as a warning and leaves the login as it is.
   */
  readonly alsoFor?: readonly string[];
  /** The issuer to ask; the configured one when left out. */
  readonly issuer?: string;
  /** UIDP of the identity to assume. */
  readonly identity?: string | undefined;
  /** A token, or the path of a file that holds one. */
  readonly identityToken?: string | undefined;
  readonly identityProvider?: string | undefined;
  readonly orgName?: string | undefined;
  readonly socialLogin?: string | undefined;
  readonly inviteCode?: string | undefined;
  readonly headless?: boolean | undefined;
  /** Goes straight to the sign-in for machines where no browser opens. */
  readonly skipBrowser?: boolean | undefined;
  /** Takes the surroundings' token before `identityToken`. */
  readonly preferAmbient?: boolean | undefined;
  /** False: without another way to log in, fail instead of waiting for a person. */
  readonly allowBrowser?: boolean;
  /** Asked with whom to sign in when neither options nor configuration say; the issuer's own page when left out. */
  readonly askProvider?: () => Promise<ProviderChoice>;
  /** Makes an account if there is none, in the same round of the browser. */
  readonly registers?: boolean | undefined;
  /**
   * Asked when the issuer knows no account; true registers one, in a round of its own. Without it, that is an error.
   */
  readonly register?: () => Promise<boolean>;
  /** Told what a person should know of how the login is kept. */
  readonly warn?: (line: string) => void;
  /** Told once for a login that other programs cannot read. */
  readonly note?: (line: string) => void;
  /** Keeps the refresh token in the file that programs of the SDK read, also where there is a keychain. */
  readonly share?: boolean | undefined;
  readonly onRetry?: (reason: string, waitMs: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface AudienceToken {
  readonly audience: string;
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface LoginResult {
  /** UIDP of who is logged in. */
  readonly identity: string;
  readonly email: string | undefined;
  /** In the order asked for; never empty. */
  readonly tokens: readonly AudienceToken[];
}

/** Throws kind `auth` when the issuer or the person says no, kind `usage` for options that do not go together. */
export async function login(host: Host, config: Config, options: LoginOptions = {}): Promise<LoginResult> {
  if (options.identity !== undefined && !isUidp(options.identity)) {
    throw new CliError('usage', `\`--identity\` must be the id of an identity, not "${options.identity}"`, {
      code: 'usage.bad-value',
      hint: 'find it with `chainctl iam identities list`',
    });
  }
  if (options.identityProvider && options.orgName) {
    throw new CliError('usage', '`--identity-provider` and `--org-name` exclude each other', {
      code: 'usage.exclusive-flags',
    });
  }
  const issuer = (options.issuer ?? config.get('platform.issuer')).replace(/\/+$/, '');
  const audiences = options.audience?.length ? [...new Set(options.audience)] : [config.get('platform.audience')];
  // Before anybody is asked to sign in for nothing.
  for (const audience of audiences) requireRoom(host, audience, issuer);
  const attempt: Attempt = { host, config, issuer, audiences, options };
  const found = await findIdentityToken(host, issuer, options);
  const tokens = found === undefined ? await loginWithPerson(attempt) : await exchangeEach(attempt, found);
  if (found?.source.kind === 'token') await exchangeAlso(attempt, found);
  const claims = decodeClaims(tokens[0]?.token ?? '');
  return {
    identity: typeof claims?.sub === 'string' ? claims.sub : '',
    email: typeof claims?.email === 'string' ? claims.email : undefined,
    tokens,
  };
}

/** A login under way: what was asked for, with every default filled in. */
interface Attempt {
  readonly host: Host;
  readonly config: Config;
  readonly issuer: string;
  /** Never empty. */
  readonly audiences: readonly string[];
  readonly options: LoginOptions;
}

async function exchangeEach(attempt: Attempt, from: IdentityToken): Promise<AudienceToken[]> {
  const { host, issuer, audiences, options } = attempt;
  const tokens: AudienceToken[] = [];
  if (options.inviteCode) {
    const { register } = await import('../api/registration.ts');
    const { inviteCode: code, signal } = options;
    await firstFitting(from.tokens, (token) => register(host, { issuer, token, code, signal }));
  }
  for (const audience of audiences) {
    const issued = await firstFitting(from.tokens, (token) =>
      exchange(host, {
        issuer,
        token,
        audience: audienceParts(audience),
        ...(options.identity === undefined ? {} : { identity: options.identity }),
        ...(options.identityProvider ? { identityProvider: options.identityProvider } : {}),
        ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
        signal: options.signal,
      }).catch(async (error) => {
        if (options.identity === undefined || from.source.kind === 'browser') throw error;
        const { withPresented } = await import('./presented.ts');
        throw withPresented(error, token, options.identity, issuer);
      }),
    );
    tokens.push(await keep(attempt, audience, issued, from.source));
  }
  return tokens;
}

/** Not part of the answer: that says what was asked for. */
async function exchangeAlso(attempt: Attempt, from: IdentityToken): Promise<void> {
  const { audiences, options } = attempt;
  for (const audience of options.alsoFor ?? []) {
    if (audiences.includes(audience)) continue;
    const { inviteCode: _used, ...rest } = options;
    try {
      await exchangeEach({ ...attempt, audiences: [audience], options: rest }, from);
    } catch (error) {
      if (!(error instanceof CliError) || error.kind === 'cancelled') throw error;
      options.warn?.(`this login is not for "${audience}" as well: ${error.message}`);
    }
  }
}

async function keep(
  attempt: Attempt,
  audience: string,
  issued: IssuedTokens,
  source: LoginSource,
): Promise<AudienceToken> {
  await underLock(attempt, audience, () => store(attempt, audience, issued, source));
  return { audience, token: issued.token, expiresAt: expiryOf(issued.token) };
}

function underLock<T>({ host, options }: Attempt, audience: string, work: () => Promise<T>): Promise<T> {
  return withLock(audienceLock(host, audience), { signal: options.signal }, work);
}

/** Only under the lock of the audience. */
async function store(
  { host, config, issuer, options }: Attempt,
  audience: string,
  issued: IssuedTokens,
  source: LoginSource,
): Promise<void> {
  const { identity, identityProvider, warn, note, share } = options;
  const how = {
    issuer,
    source,
    ...(identity === undefined ? {} : { identity }),
    ...(identityProvider ? { identityProvider } : {}),
    ...(share === true ? { shared: true as const } : {}),
  };
  await storeTokens(host, config, audience, issued, how, { warn, note });
}

const noWork = async () => {};

/** With a person: here, or on another device when that was asked for or nothing else is possible. */
async function loginWithPerson(attempt: Attempt): Promise<AudienceToken[]> {
  const { audiences, options } = attempt;
  if (options.allowBrowser === false && !options.headless) {
    throw new CliError('auth', 'Cannot login: there is no terminal and no identity token', {
      code: 'auth.no-terminal',
      hint: 'give a token with `--identity-token`',
    });
  }
  // Nobody should sign in for a token that then cannot be kept.
  for (const audience of audiences) await underLock(attempt, audience, noWork);
  const { provider, answers } = await chooseProvider(attempt);
  return loginThrough({ ...attempt, options: { ...options, ...answers } }, provider);
}

async function loginThrough(attempt: Attempt, provider: Provider): Promise<AudienceToken[]> {
  const { host, config, issuer, options } = attempt;
  const { signal } = options;
  if (options.headless || (options.headless === undefined && config.get('auth.mode') === 'headless')) {
    const { headlessLogin } = await import('./headless-login.ts');
    const idToken = await headlessLogin(host, { issuer, provider, signal });
    return exchangeForPerson(attempt, idToken, provider);
  }
  try {
    if (!options.skipBrowser) {
      return await loginWithBrowser(attempt, provider, true);
    }
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'auth.no-browser') throw error;
  }
  const idToken = await signInElsewhere(attempt, provider);
  // A platform without such ways is left with the address itself.
  if (idToken === undefined) return loginWithBrowser(attempt, provider, false);
  return exchangeForPerson(attempt, idToken, provider);
}

/** Because no browser opens here. Undefined when the platform offers nothing for it. */
async function signInElsewhere(
  { host, issuer, options: { signal } }: Attempt,
  provider: Provider,
): Promise<string | undefined> {
  if (provider.kind !== 'default') {
    // A device code leads to the platform's own sign-in; an organization's provider needs the other way (protocols
    // 2.1).
    host.stderr.write('Cannot open a browser here; switching to a sign-in on another device\n');
    const { headlessLogin } = await import('./headless-login.ts');
    return headlessLogin(host, { issuer, provider, signal });
  }
  const { deviceIssuer, deviceLogin } = await import('./device-login.ts');
  const devices = await deviceIssuer(host, issuer, signal);
  if (devices === undefined) return undefined;
  host.stderr.write('Cannot open a browser here; switching to a code for another device\n');
  return deviceLogin(host, devices, signal);
}

/** With the ID token of who signed in elsewhere: an account if there is none, then a token for each audience. */
async function exchangeForPerson(attempt: Attempt, idToken: string, provider: Provider): Promise<AudienceToken[]> {
  const { host, issuer, options } = attempt;
  const through = provider.kind === 'idp' ? provider.id : provider.kind === 'org' ? provider.name : undefined;
  const from: IdentityToken = { tokens: [idToken], source: { kind: 'browser' } };
  // An identity is assumed with the login itself; the two name one thing each to the issuer.
  const identityProvider = options.identity === undefined ? through : undefined;
  const wanted: Attempt = { ...attempt, options: { ...options, identityProvider } };
  try {
    return await exchangeEach(wanted, from);
  } catch (error) {
    const isUnknown = error instanceof CliError && error.kind === 'not-found' && options.identity === undefined;
    if (!isUnknown || options.inviteCode || through !== undefined) throw error;
    if (!options.registers && !(await options.register?.())) throw noAccount();
  }
  const { register } = await import('../api/registration.ts');
  await register(host, { issuer, token: idToken, signal: options.signal });
  return exchangeEach(wanted, from);
}

function noAccount(): CliError {
  return new CliError('auth', 'Account not found, registration required', {
    code: 'auth.no-account',
    hint: 'sign in on a terminal to register, or with `--invite-code` if you were invited',
  });
}

/** One browser round for the first audience; the others by its refresh token, or by a round each (protocols Q18). */
async function loginWithBrowser(attempt: Attempt, provider: Provider, needsBrowser: boolean): Promise<AudienceToken[]> {
  const tokens: AudienceToken[] = [];
  let first: FirstLogin | undefined;
  for (const audience of attempt.audiences) {
    if (first?.issued.refreshToken !== undefined) {
      const issued = await refreshForAnother(attempt, first, audience);
      tokens.push(await keep(attempt, audience, issued, { kind: 'browser' }));
      continue;
    }
    const issued = await browserRound(attempt, audience, provider, needsBrowser);
    first ??= { audience, issued };
    tokens.push(await keep(attempt, audience, issued, { kind: 'browser' }));
  }
  return tokens;
}

interface FirstLogin {
  readonly audience: string;
  issued: IssuedTokens;
}

/** The rotated token stays with the audience that was logged in: kept twice it would be used twice. */
async function refreshForAnother(attempt: Attempt, first: FirstLogin, audience: string): Promise<IssuedTokens> {
  const { host, issuer, options } = attempt;
  const { token, refreshToken = '' } = first.issued;
  const spend = async () => {
    const { signal } = options;
    const issued = await refresh(host, { issuer, token: refreshToken, audience: audienceParts(audience), signal });
    first.issued = { token, refreshToken: issued.refreshToken ?? refreshToken };
    await store(attempt, first.audience, first.issued, { kind: 'browser' });
    return { ...issued, refreshToken: undefined };
  };
  // Held from spending to keeping: nobody else may spend the one that is in the cache meanwhile.
  return underLock(attempt, first.audience, spend);
}

async function browserRound(
  { host, config, issuer, options }: Attempt,
  audience: string,
  provider: Provider,
  needsBrowser: boolean,
): Promise<IssuedTokens> {
  const request: BrowserLoginRequest = {
    issuer,
    audience: audienceParts(audience),
    provider,
    identity: options.identity,
    inviteCode: options.inviteCode,
    // An invitation is a reason to make an account.
    skipRegistration: !options.inviteCode && !options.registers,
    ...(options.registers ? { screenHint: 'signup' } : {}),
    createRefreshToken: config.isOn('default.use-refresh-token'),
    needsBrowser,
    autocloseSeconds: config.isOn('default.autoclose') ? Number(config.get('default.autoclose-timeout')) : undefined,
    signal: options.signal,
  };
  let issued: IssuedTokens;
  try {
    issued = await browserLogin(host, request);
  } catch (error) {
    const unknown = error instanceof CliError && error.code === 'auth.no-account';
    if (!unknown || !(await options.register?.())) throw error;
    issued = await browserLogin(host, { ...request, skipRegistration: false, screenHint: 'signup' });
  }
  await verifyToken(host, issuer, issued.token, request.audience, options.signal);
  return issued;
}
