// Does what the Docker helper needs when the cache has no good token: the slow half, loaded only then (protocols 7.2).

import { decodeClaims } from '../auth/jwt.ts';
import { accessToken, audienceOfRegistry, logout } from '../auth/session.ts';
import { type CachedTokens, keepLoginsApart, listAudiences, readTokens } from '../auth/token-cache.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { type Host, hasDesktop } from '../host.ts';

/**
 * A token for a registry's host, or undefined when the host is none of ours. Throws a `CliError` when it is ours and
 * there is no token to be had. `audiences` are the cache entries to look at, the nearest first.
 */
export async function tokenForRegistry(
  host: Host,
  audiences: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const config = await loadOwnConfig(host);
  const registry = audienceOfRegistry(config.get('platform.registry'));
  const known = audiences.map((audience) => ({ audience, tokens: readTokens(host, audience) }));
  const cached = known.find(({ tokens }) => tokens.token !== undefined || tokens.refreshToken !== undefined);
  const chosen = cached ?? known.at(-1);
  if (chosen === undefined) return undefined;
  const issuer = issuerOf(config, registry, chosen.audience, chosen.tokens);
  if (issuer === undefined) return undefined;
  return accessToken(host, config, chosen.audience, { issuer, allowLogin: mayOpenBrowser(host), signal });
}

/** With the logins of the context in force, where they lie apart. */
async function loadOwnConfig(host: Host): Promise<Config> {
  const config = await loadConfig(host);
  if (config.place.logins !== undefined) keepLoginsApart(host, config.place.logins);
  return config;
}

/**
 * The configured issuer belongs to the configured registry. Tokens of another one are renewed only where they came
 * from, and only when the record of their login agrees: a token file alone names no place to send secrets to.
 */
function issuerOf(config: Config, registry: string, audience: string, tokens: CachedTokens): string | undefined {
  const isConfigured = audience === registry || (isChainguardHost(audience) && isChainguardHost(registry));
  if (isConfigured) return config.get('platform.issuer');
  const issuer = tokens.token === undefined ? undefined : decodeClaims(tokens.token)?.iss;
  const recorded = tokens.record?.issuer;
  return typeof issuer === 'string' && recorded === issuer.replace(/\/+$/, '') ? recorded : undefined;
}

function isChainguardHost(host: string): boolean {
  return host === 'cgr.dev' || host.endsWith('.cgr.dev');
}

/** Standard input is Docker's here, so a person is somewhere else: at a terminal that shows stderr, or at a desktop. */
function mayOpenBrowser(host: Host): boolean {
  if (host.env['CI']) return false;
  return host.stderr.isTty || hasDesktop(host);
}

/** Forgets the tokens for one registry host. */
export async function forgetRegistry(host: Host, audience: string): Promise<void> {
  await loadOwnConfig(host);
  await logout(host, audience);
}

/** The registry hosts there are tokens for: audiences that are a host and not an address. */
export async function cachedRegistries(host: Host): Promise<string[]> {
  await loadOwnConfig(host);
  return listAudiences(host).filter((audience) => /^[a-z0-9.-]+(?::\d+)?$/.test(audience));
}
