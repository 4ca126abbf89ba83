// Signing in on another device over an encrypted session (protocols 2.1). Guarantees: the token in transit is readable by
// this process only, and the wait ends after ten minutes.

import { createHeadlessKey, headlessCheck, openHeadless } from '../api/headless.ts';
import { notAnIssuer } from '../api/sts.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { BrowserLoginRequest } from './browser-login.ts';
import { ask, denied, isPassing, pollUntil, timedOut } from './remote-login.ts';

export interface HeadlessRequest {
  readonly issuer: string;
  readonly provider: BrowserLoginRequest['provider'];
  readonly signal: AbortSignal | undefined;
}

const waitMs = 10 * 60_000;

/** The ID token of whoever signed in; it still has to be exchanged. Throws kind `auth` when they would not. */
export async function headlessLogin(host: Host, request: HeadlessRequest): Promise<string> {
  const { signal } = request;
  const issuer = request.issuer.replace(/\/+$/, '');
  const key = createHeadlessKey();
  host.stderr.write(
    `Visit this URL on any device with a browser to authenticate: ${headlessUrl(issuer, key.code, request.provider)}\n`,
  );
  host.stderr.write(`Sign in only if the page shows ${headlessCheck(key.code)}. The link is good for 10 minutes.\n`);

  const startedAt = host.now();
  const poll = `${issuer}/sts/headless_sessions?${new URLSearchParams({ code: key.code })}`;
  // Every two seconds at first, then every five (protocols Q5).
  const pauseMs = () => (host.now() - startedAt < 60_000 ? 2_000 : 5_000);
  const token = await pollUntil(
    host,
    startedAt + waitMs,
    pauseMs,
    () => readSession(host, issuer, poll, key, signal),
    signal,
  );
  if (token === undefined) throw timedOut(waitMs);
  return token;
}

/** Sorted by key and short enough to be typed or drawn (protocols 2.1). */
export function headlessUrl(issuer: string, code: string, provider: HeadlessRequest['provider']): string {
  const query = new URLSearchParams({ headless_code: code });
  if (provider.kind === 'idp') query.set('idp_id', provider.id);
  else if (provider.kind === 'org') query.set('idp_id', provider.name);
  else if (provider.connection !== undefined) query.set('connection', provider.connection);
  query.sort();
  return `${issuer}/oauth?${query}`;
}

async function readSession(
  host: Host,
  issuer: string,
  url: string,
  key: ReturnType<typeof createHeadlessKey>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let answer: Awaited<ReturnType<typeof ask>>;
  try {
    answer = await ask(host, url, undefined, signal);
  } catch (error) {
    if (isPassing(error)) return undefined;
    throw error;
  }
  const { status, body } = answer;
  // Pending: not found, or found and empty (protocols Q5). Busy servers are asked again as well.
  if (status === 404 && body['code'] === 5) return undefined;
  if (status === 429 || status >= 500) {
    if (body['code'] === 12) throw notOffered(issuer);
    return undefined;
  }
  if (status === 403) throw denied();
  const { ecdhPublicKey, encryptedIdtoken } = body;
  if (status !== 200) throw notOffered(issuer);
  if (typeof ecdhPublicKey !== 'string' || typeof encryptedIdtoken !== 'string') return undefined;
  if (ecdhPublicKey === '' || encryptedIdtoken === '') return undefined;
  try {
    return openHeadless(key, { ecdhPublicKey, encryptedIdtoken });
  } catch (error) {
    throw new CliError('api', 'The answer to the login cannot be decrypted, so it was not made for this program', {
      code: 'auth.bad-session',
      hint: 'try again with `chainctl auth login --headless`',
      cause: error,
    });
  }
}

function notOffered(issuer: string): CliError {
  return notAnIssuer(issuer);
}
