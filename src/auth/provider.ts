// Chooses with whom a person signs in: a social login, an organization's own provider, or what the issuer's page offers (protocols 1.2).

import { notAnIssuer } from '../api/sts.ts';
import { send } from '../api/transport.ts';
import { isUidp } from '../api/uidp.ts';
import type { Config } from '../config/load.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { BrowserLoginRequest } from './browser-login.ts';

export type Provider = BrowserLoginRequest['provider'];

/**
 * An account that many have, or the organization whose own provider it is; or that there is no account yet, for which
 * the issuer's page shows every way there is, with the invitation that there may be.
 */
export type ProviderChoice =
  | { readonly socialLogin: string }
  | { readonly orgName: string }
  | { readonly registers: true; readonly inviteCode?: string };

/** Options of a login that decide with whom, as in `LoginOptions`. */
interface ProviderOptions extends Way {
  readonly inviteCode?: string | undefined;
  readonly registers?: boolean | undefined;
  readonly askProvider?: () => Promise<ProviderChoice>;
  readonly signal?: AbortSignal | undefined;
}

interface Asked {
  readonly host: Host;
  readonly config: Config;
  readonly issuer: string;
  readonly options: ProviderOptions;
}

interface Way {
  readonly identityProvider?: string | undefined;
  readonly orgName?: string | undefined;
  readonly socialLogin?: string | undefined;
}

const connections: Readonly<Record<string, string>> = {
  google: 'google-oauth2',
  'google-oauth2': 'google-oauth2',
  github: 'github',
  gitlab: 'gitlab',
  email: 'email',
};

/**
 * Returns what was asked for by flag, or else by configuration; a flag of one way silences configuration of the others.
 */
export async function chooseProvider(attempt: Asked): Promise<Choice> {
  const { config, options } = attempt;
  const flagged = Boolean(options.identityProvider || options.orgName || options.socialLogin);
  const configured = {
    orgName: config.get('default.org-name'),
    identityProvider: config.get('default.identity-provider'),
    socialLogin: config.get('default.social-login'),
  };
  const isOpen = !flagged && Object.values(configured).every((value) => value === '');
  const isNew = options.registers || options.inviteCode;
  const asked = isOpen && !isNew ? await options.askProvider?.() : undefined;
  if (asked !== undefined && 'registers' in asked) return { provider: { kind: 'default' }, answers: asked };
  const way: Way = asked ?? (flagged ? options : configured);
  return { provider: await providerOf(attempt, way), answers: {} };
}

interface Choice {
  readonly provider: Provider;
  /** Rest of the answer. */
  readonly answers: { readonly registers?: boolean; readonly inviteCode?: string };
}

async function providerOf(
  { host, issuer, options }: Asked,
  { orgName, identityProvider, socialLogin }: Way,
): Promise<Provider> {
  if (orgName) {
    await checkOrganization(host, issuer, orgName, options.signal);
    return { kind: 'org', name: orgName };
  }
  // The key of the provider may hold the name of a social login (protocols 0, deprecated).
  const social = connections[identityProvider?.toLowerCase() ?? ''] ?? connections[socialLogin?.toLowerCase() ?? ''];
  if (identityProvider && isUidp(identityProvider)) return { kind: 'idp', id: identityProvider };
  if (social !== undefined) return { kind: 'default', connection: social };
  if (identityProvider) {
    throw new CliError('usage', `"${identityProvider}" is not the id of an identity provider`, {
      code: 'usage.bad-value',
      hint: 'log in with `--org-name`, or find the id with `chainctl iam identity-providers list`',
    });
  }
  if (socialLogin) {
    throw new CliError('usage', `"${socialLogin}" is not a social login`, {
      code: 'usage.bad-value',
      hint: 'choose email, google, github or gitlab',
    });
  }
  return { kind: 'default' };
}

/** Says before a browser opens that nobody can sign in that way (protocols 1.2). */
async function checkOrganization(
  host: Host,
  issuer: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const url = `${issuer}/orgcheck?${new URLSearchParams({ name })}`;
  const response = await send(host, { method: 'GET', url, timeoutMs: 30_000, maxBytes: 4096, signal });
  const answer = response.text.trim();
  if (response.status === 200 && answer === 'true') return;
  if (response.status !== 200 || answer !== 'false') throw notAnIssuer(issuer);
  throw new CliError(
    'not-found',
    `Organization "${name}" was not found, is not verified, or has no identity provider of its own`,
    { code: 'not-found.organization', hint: 'log in by the id of the provider with `--identity-provider`' },
  );
}
