import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { CliError } from '../../errors.ts';
import { type LoginInput, loginChecks, loginInputs, loginOptions, saysHow } from './login-inputs.ts';
import { type AuthStatus, claimedStatus, statusView } from './status-view.ts';

export default defineCommand({
  path: ['auth', 'status'],
  summary: 'Say who you are logged in as, and what you may do.',
  description:
    'Asks the issuer whether the login is good, and exits with an error when it is not. --audience asks about the login ' +
    'for something else than the API. When a flag says how to log in and there is no valid login, that is done first.',
  inputs: {
    quick: { kind: boolean, help: 'Look at the token on this machine only, and send no request.' },
    ...loginInputs,
  },
  check: loginChecks,
  examples: [
    { text: 'For a person', args: '' },
    { text: 'Without the network', args: '--quick' },
    { text: 'For a script', args: '--output=json' },
  ],
  view: statusView,
  formats: ['text', 'table', 'json', 'terse'],
  exitError: ([status]) => {
    if (status?.valid) return undefined;
    return new CliError('auth', status?.reason ?? 'Not authenticated: there is no valid login', {
      code: 'auth.no-login',
      hint: status?.hint ?? 'run `chainctl auth login`',
    });
  },
  run: async (context, input): Promise<AuthStatus> => {
    const audience = context.config.get('platform.audience');
    const status = await statusOf(context, audience, input);
    const { refreshStoreOf } = await import('../../auth/refresh-store.ts');
    const { name, isOnlyOne } = context.config.place;
    const refreshTokenStore = refreshStoreOf(context.host, audience);
    return { ...status, refreshTokenStore, context: isOnlyOne ? undefined : name };
  },
});

async function statusOf(
  context: Context,
  audience: string,
  input: LoginInput & { quick: boolean },
): Promise<AuthStatus> {
  if (input.quick) return quickStatus(context, audience);
  try {
    const token = await tokenFor(context, audience, input);
    return await (isForApi(context, audience)
      ? askedStatus(context, audience)
      : signedStatus(context, audience, token));
  } catch (error) {
    if (!(error instanceof CliError) || error.kind !== 'auth') throw error;
    return { ...(await quickStatus(context, audience)), valid: false, reason: error.message, hint: error.hint };
  }
}

async function tokenFor(context: Context, audience: string, input: LoginInput): Promise<string> {
  try {
    return await context.token(audience);
  } catch (error) {
    if (!saysHow(input) || !(error instanceof CliError) || error.kind !== 'auth') throw error;
    const { login } = await import('../../auth/login.ts');
    await login(context.host, context.config, { ...loginOptions(context, input), audience: [audience] });
    return context.token(audience);
  }
}

/** The issuer answers for tokens of the API only; others are checked by their signature. */
function isForApi(context: Context, audience: string): boolean {
  const overridden = context.globals.overrides['platform.audience'] !== undefined;
  return !overridden || audience === context.config.get('platform.api');
}

async function askedStatus(context: Context, audience: string): Promise<AuthStatus> {
  const me = await (await context.issuerApi()).call('auth.v1.Auth.Validate', {});
  const capabilities = new Map<string, string[]>();
  for (const { group, role, capabilities: names = [] } of me.capabilities ?? []) {
    const key = group?.name || group?.id || '';
    // A token that was narrowed has no role any more; then what it may do is named.
    capabilities.set(key, [...(capabilities.get(key) ?? []), role?.name || namedActions(names)]);
  }
  return {
    valid: true,
    identity: me.subject,
    email: me.email || undefined,
    capabilities: Object.fromEntries([...capabilities].map(([key, roles]) => [key, roles.join(', ')])),
    expiresAt: me.expiry === undefined ? undefined : Date.parse(me.expiry),
    audience,
  };
}

/** `manifest.list`, `tag.list` as `manifest (list), tag (list)`, which is how the reference shows them (protocols 7.4). */
function namedActions(names: readonly string[]): string {
  const byResource = new Map<string, string[]>();
  for (const name of names) {
    const at = name.lastIndexOf('.');
    const resource = name.slice(0, at);
    byResource.set(resource, [...(byResource.get(resource) ?? []), name.slice(at + 1)]);
  }
  return [...byResource].map(([resource, actions]) => `${resource} (${actions.join(', ')})`).join(', ');
}

async function signedStatus(context: Context, audience: string, token: string): Promise<AuthStatus> {
  const { verifyToken } = await import('../../auth/verify.ts');
  const { audienceParts } = await import('../../auth/store-tokens.ts');
  const { decodeClaims } = await import('../../auth/jwt.ts');
  await verifyToken(
    context.host,
    context.config.get('platform.issuer'),
    token,
    audienceParts(audience),
    context.signal,
  );
  return { ...claimedStatus(decodeClaims(token), audience), valid: true };
}

/** From the token alone: it is not expired, and nobody was asked. */
async function quickStatus(context: Context, audience: string): Promise<AuthStatus> {
  const { readTokens, remainingMs } = await import('../../auth/token-cache.ts');
  const { decodeClaims } = await import('../../auth/jwt.ts');
  const { loginHint } = await import('../../auth/session.ts');
  const { token } = readTokens(context.host, audience);
  const hint = loginHint(context.config, audience);
  if (token === undefined) {
    return { valid: false, audience, reason: `Not authenticated: no login for "${audience}"`, hint };
  }
  const claims = decodeClaims(token);
  const status = claimedStatus(claims, audience);
  if (claims === undefined) {
    return { ...status, valid: false, reason: `Not authenticated: the token kept for "${audience}" is damaged`, hint };
  }
  if (remainingMs(context.host.now(), token) > 0) return { ...status, valid: true };
  return { ...status, valid: false, reason: `Not authenticated: the login for "${audience}" has expired`, hint };
}
