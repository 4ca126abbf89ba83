// Identity tokens that the surroundings hand out without a question (protocols 8.3).

import { send } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';

export interface AmbientProvider {
  /** Stored in login records. */
  readonly name: string;
  /** A fresh identity token for that audience. Throws kind `auth` when the surroundings refuse. */
  token(audience: string, signal?: AbortSignal): Promise<string>;
}

/** The provider of these surroundings, or undefined outside of any. */
export function ambientProvider(host: Host): AmbientProvider | undefined {
  const url = host.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
  const bearer = host.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
  if (!url || !bearer) return undefined;
  return { name: 'github', token: (audience, signal) => githubToken(host, url, bearer, audience, signal) };
}

/** What to change when this is a place that could hand out tokens but does not; undefined elsewhere. */
export function ambientHint(host: Host): string | undefined {
  if (host.env['GITHUB_ACTIONS'] !== 'true') return undefined;
  return 'give the workflow `permissions: id-token: write`, so that GitHub hands out an identity token';
}

async function githubToken(
  host: Host,
  url: string,
  bearer: string,
  audience: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const address = new URL(url);
  address.searchParams.set('audience', audience);
  const response = await send(host, {
    method: 'GET',
    url: address.href,
    headers: { authorization: `bearer ${bearer}`, accept: 'application/json' },
    timeoutMs: 30_000,
    maxBytes: 1024 * 1024,
    signal,
  });
  const value = response.status === 200 ? tokenIn(response.text) : undefined;
  if (value !== undefined) return value;
  throw new CliError('auth', `GitHub did not hand out an identity token (HTTP ${response.status})`, {
    code: 'auth.no-ambient-token',
    hint: ambientHint(host) ?? 'give the token with `--identity-token`',
  });
}

function tokenIn(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('value' in body)) return undefined;
    return typeof body.value === 'string' && body.value !== '' ? body.value : undefined;
  } catch {
    return undefined;
  }
}
