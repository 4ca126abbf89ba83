// Google Cloud's REST interfaces as the person in the browser. Guarantees: the access token is in the memory of one
// login here and goes to the configured addresses; what Google refuses is one sentence, without the token.

import { createHash } from 'node:crypto';
import { CallFailure } from '../../../caller.ts';
import type { GoogleSetup, OutgoingRequest } from '../../../clouds.ts';
import type { Visit } from '../../../page.ts';

interface Access {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

interface Pending {
  readonly state: string;
  readonly verifier: string;
  /** Address to go to afterwards. */
  readonly next: string;
}

const accessKey = 'google-access';
const pendingKey = 'google-pending';
const scopes = 'openid email https://www.googleapis.com/auth/cloud-platform';

export function setupOf({ clouds }: Visit): GoogleSetup | undefined {
  const { google } = clouds;
  return google?.client === undefined && google?.gcloud === undefined ? undefined : google;
}

/** Whether the person has signed in to Google, as far as is known. */
export function isSignedIn({ memory, now }: Visit): boolean {
  // Only this file puts something under this key.
  const access = memory.get(accessKey) as Access | undefined;
  return access !== undefined && access.until > now;
}

export function keepAccess({ memory, now }: Visit, token: string, seconds: number): void {
  memory.set(accessKey, { token, until: now + seconds * 1000 } satisfies Access);
}

export const callbackOf = (visit: Visit): string => `${visit.origin}${visit.href('google')}`;

/** The address at Google that asks the person, who then comes back to `next`. */
export function authorizeUrl(visit: Visit, next: string): string {
  const { addresses, client } = visit.clouds.google ?? {};
  if (addresses === undefined || client === undefined)
    throw new CallFailure('missing', 'No client of Google is set up here.');
  const random = () => Buffer.from(visit.randomBytes(32)).toString('base64url');
  const pending: Pending = { state: random(), verifier: random(), next };
  visit.memory.set(pendingKey, pending);
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: callbackOf(visit),
    scope: scopes,
    state: pending.state,
    code_challenge: createHash('sha256').update(pending.verifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'select_account',
  });
  return `${addresses.authorize}?${query}`;
}

/** Trades what Google sent the person back with; returns where to go. Works once, for the login that began it. */
export async function finishSignIn(visit: Visit): Promise<string> {
  const { memory, query, clouds } = visit;
  const pending = memory.get(pendingKey) as Pending | undefined;
  memory.delete(pendingKey);
  const { google } = clouds;
  if (google?.client === undefined || pending === undefined || query.get('state') !== pending.state) {
    throw new CallFailure('invalid', 'This sign-in at Google was not begun here, or is over. Begin it once more.');
  }
  const refusal = query.get('error');
  if (refusal !== null) {
    const reason = /^[\w.-]{1,60}$/.test(refusal) ? ` (${refusal})` : '';
    throw new CallFailure('refused', `Google did not sign you in${reason}. Nothing has been changed.`);
  }
  const { id, secret } = google.client;
  const answer = await google.ask({
    method: 'POST',
    url: google.addresses.token,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: query.get('code') ?? '',
      client_id: id,
      ...(secret === undefined ? {} : { client_secret: secret }),
      redirect_uri: callbackOf(visit),
      code_verifier: pending.verifier,
    }).toString(),
  });
  const { access_token: token, expires_in: seconds } = objectIn(answer.text);
  if (answer.status !== 200 || typeof token !== 'string') throw new CallFailure('refused', refusalOf(answer));
  keepAccess(visit, token, typeof seconds === 'number' ? seconds : 3600);
  return pending.next;
}

export type Json = Readonly<Record<string, unknown>>;

/** One call; undefined where it is not there. Throws CallFailure. */
export async function google(
  visit: Visit,
  method: OutgoingRequest['method'],
  url: string,
  body?: object,
): Promise<Json | undefined> {
  const access = visit.memory.get(accessKey) as Access | undefined;
  const setup = visit.clouds.google;
  if (access === undefined || setup === undefined || access.until <= visit.now) throw ended();
  const answer = await setup.ask({
    method,
    url,
    headers: {
      authorization: `Bearer ${access.token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.status === 401) {
    visit.memory.delete(accessKey);
    throw ended();
  }
  if (answer.status === 404) return undefined;
  // Somebody else has made it meanwhile, which is as good.
  if (answer.status === 409 && method === 'POST') return {};
  if (answer.status < 200 || answer.status > 299) throw new CallFailure('refused', refusalOf(answer));
  return objectIn(answer.text);
}

const ended = () => new CallFailure('refused', 'Your sign-in at Google has ended: authenticate once more.');

const mostPolls = 40;

/**
 * The same, and waits until what takes longer is done, ten seconds at most. `base`: where its operations are asked for.
 */
export async function googleDone(
  visit: Visit,
  method: OutgoingRequest['method'],
  url: string,
  base: string,
  body: object,
): Promise<void> {
  let operation = await google(visit, method, url, body);
  for (let polls = 0; polls < mostPolls; polls += 1) {
    const { name, done, error } = operation ?? {};
    if (error !== undefined) throw new CallFailure('refused', `Google Cloud says: ${messageOf(error)}`);
    const isOperation = typeof name === 'string' && /(^|\/)operations\/[\w./-]+$/.test(name);
    if (!isOperation || done === true) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
    operation = await google(visit, 'GET', `${base}/v1/${name}`);
  }
}

function refusalOf({ status, text }: { readonly status: number; readonly text: string }): string {
  const { error, error_description: description } = objectIn(text);
  if (typeof error === 'string') return `Google says: ${clean(description ?? error)}`;
  const message = messageOf(error);
  return message === '' ? `Google Cloud answered with status ${status}.` : `Google Cloud says: ${message}`;
}

function messageOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown };
  return typeof message === 'string' ? clean(message) : '';
}

function clean(text: unknown): string {
  const short = String(text).replaceAll(/\s+/g, ' ').trim().slice(0, 500);
  return /[.!?]$/.test(short) ? short : `${short}.`;
}

function objectIn(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
  } catch {
    return {};
  }
}
