// The token exchange (semantics 3.5, protocols 3). Guarantees: parameters travel as a form and never as JSON, a bearer
// goes to the issuer it was asked for and through no redirect, and a refusal carries the server's own words.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { codeOfHttpStatus, grpcCodes } from './status.ts';
import { type HttpResponse, retryAfterMs, send } from './transport.ts';

interface StsRequest {
  /** Address of the issuer. */
  readonly issuer: string;
  /** The bearer: a third party's token, or a refresh token. */
  readonly token: string;
  readonly audience: readonly string[];
  /** Groups the new token is narrowed to. */
  readonly scopes?: readonly string[];
  /** Capabilities the new token is narrowed to, by dotted name. */
  readonly capabilities?: readonly string[];
  /** Called before a pause, so that a person knows why nothing happens. */
  readonly onRetry?: (reason: string, waitMs: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ExchangeRequest extends StsRequest {
  /** UIDP of the identity to assume. */
  readonly identity?: string;
  /** UIDP of the custom identity provider the token comes from. */
  readonly identityProvider?: string;
}

export type RefreshRequest = StsRequest;

export interface IssuedTokens {
  readonly token: string;
  /** Undefined when the issuer gave none; after a refresh the old one is then still good. */
  readonly refreshToken: string | undefined;
}

const maxAttempts = 3;
const attemptTimeoutMs = 30_000;
const maxWaitMs = 60_000;
/** How long after an interrupt the answer to a refresh is still waited for. */
const answerGraceMs = 3_000;
// Half a page of HTML is enough to see that it is not an issuer; a good answer is never near this (semantics 3.5).
const maxBytes = 1024 * 1024;
const maxMessageLength = 4096;

/** Trades a third party's token for a Chainguard one. Throws kind `auth`, number 101, when the issuer refuses. */
export async function exchange(host: Host, request: ExchangeRequest): Promise<IssuedTokens> {
  const form = formOf(request);
  if (request.identity) form.set('identity', request.identity);
  if (request.identityProvider) form.set('identity_provider', request.identityProvider);
  const answer = await post(host, request, 'exchange', form, [grpcCodes.UNAVAILABLE]);
  return issued(request, answer['token'], answer['refreshToken']);
}

/**
 * Trades a refresh token for a new pair. Throws kind `auth`, number 101, when the issuer refuses. An interrupt does not
 * take effect while the answer is on its way: the token sent is spent, and its successor would be lost with the answer.
 */
export async function refresh(host: Host, request: RefreshRequest): Promise<IssuedTokens> {
  const retried = [grpcCodes.UNAVAILABLE, grpcCodes.INTERNAL, grpcCodes.DEADLINE_EXCEEDED];
  const late = abortingLater(request.signal, answerGraceMs);
  try {
    const answer = await post(host, request, 'exchange_refresh_token', formOf(request), retried, late.signal);
    return issued(request, member(answer['token'], 'token'), member(answer['refreshToken'], 'token'));
  } finally {
    late.end();
  }
}

function abortingLater(signal: AbortSignal | undefined, ms: number) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => controller.abort(signal?.reason), ms);
  };
  signal?.addEventListener('abort', begin, { once: true });
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', begin);
  };
  return { signal: controller.signal, end };
}

function formOf(request: StsRequest): URLSearchParams {
  const form = new URLSearchParams();
  for (const audience of request.audience) form.append('aud', audience);
  // Servers of before `scopes` read the first one here.
  if (request.scopes?.[0] !== undefined) form.set('scope', request.scopes[0]);
  for (const scope of request.scopes ?? []) form.append('scopes', scope);
  for (const capability of request.capabilities ?? []) form.append('cap', capability);
  return form;
}

function issued(request: StsRequest, token: unknown, refreshToken: unknown): IssuedTokens {
  // Three parts and no white space: anything else would break a header, or is not what was asked for.
  if (typeof token !== 'string' || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) throw notAnIssuer(request.issuer);
  const hasRefresh = typeof refreshToken === 'string' && /^[\w+/=.-]+$/.test(refreshToken);
  return { token, refreshToken: hasRefresh ? refreshToken : undefined };
}

type Answer = Readonly<Record<string, unknown>>;

async function post(
  host: Host,
  request: StsRequest,
  method: string,
  form: URLSearchParams,
  retried: readonly number[],
  signal = request.signal,
): Promise<Answer> {
  if (!/^[\x21-\x7e]+$/.test(request.token)) {
    throw new CliError('auth', 'The identity token is not one word of plain text, so it cannot be a token', {
      code: 'auth.malformed-token',
      number: 101,
    });
  }
  const url = `${request.issuer.replace(/\/+$/, '')}/sts/${method}`;
  for (let attempt = 1; ; attempt += 1) {
    request.signal?.throwIfAborted();
    const last = attempt >= maxAttempts;
    let response: HttpResponse;
    try {
      response = await send(host, {
        method: 'POST',
        url,
        headers: {
          authorization: `Bearer ${request.token}`,
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: form.toString(),
        timeoutMs: attemptTimeoutMs,
        maxBytes,
        signal,
      });
    } catch (error) {
      // A connection refused or cut is UNAVAILABLE; an answer that does not come is not waited for again.
      if (last || !(error instanceof CliError) || error.kind !== 'network') throw error;
      await pause(host, request, error.message, shortWaitMs(host));
      continue;
    }
    const answer = parse(response);
    if (response.status >= 200 && response.status < 300) {
      if (answer === undefined) throw notAnIssuer(request.issuer);
      return answer;
    }
    const code = codeOfAnswer(response, answer);
    const wanted = retryAfterMs(host, response);
    // Being told to slow down means that nothing was done, so it is safe to ask again.
    const limited = code === grpcCodes.RESOURCE_EXHAUSTED;
    const mayRetry = limited || retried.includes(code);
    if (last || !mayRetry || (wanted ?? 0) > maxWaitMs) throw toError(request, response, answer, code, wanted);
    const reason = `${new URL(url).host} answered ${response.status}`;
    await pause(host, request, reason, wanted ?? (limited ? 1_000 * attempt : shortWaitMs(host)));
  }
}

async function pause(host: Host, request: StsRequest, reason: string, waitMs: number): Promise<void> {
  request.onRetry?.(reason, waitMs);
  await host.sleep(waitMs, request.signal);
}

/** 100 to 200 ms, uniformly (semantics 3.5). */
function shortWaitMs(host: Host): number {
  return 100 + ((host.randomBytes(1)[0] ?? 0) / 255) * 100;
}

function parse(response: HttpResponse): Answer | undefined {
  try {
    const value: unknown = JSON.parse(response.text);
    // An object of unknown members is what Answer says.
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/**
 * The number in the body when it is one (1–16), else what the status says; a bare 500 is not retried (semantics 3.5).
 */
function codeOfAnswer(response: HttpResponse, answer: Answer | undefined): number {
  const code = answer?.['code'];
  if (typeof code === 'number' && Number.isInteger(code) && code >= 1 && code <= 16) return code;
  const byStatus = codeOfHttpStatus(response.status);
  return byStatus === grpcCodes.INTERNAL ? grpcCodes.UNKNOWN : byStatus;
}

function toError(
  request: StsRequest,
  response: HttpResponse,
  answer: Answer | undefined,
  code: number,
  wanted: number | undefined,
): CliError {
  const host = new URL(request.issuer).host;
  const cause = new Error(`HTTP ${response.status}`);
  if (code === grpcCodes.RESOURCE_EXHAUSTED) {
    const wait = wanted === undefined ? 'a moment' : `${Math.ceil(wanted / 1000)} s`;
    return new CliError('api', `${host} asks to slow down`, {
      code: 'api.rate-limited',
      hint: `wait ${wait} and try again`,
      cause,
    });
  }
  const said = typeof answer?.['message'] === 'string' ? oneLine(answer['message']) : '';
  if (said === '') {
    // Proxies and login walls answer with pages; their status is no verdict on the token.
    if (answer === undefined && response.status < 500) return notAnIssuer(request.issuer);
    return new CliError('api', `${host} answered ${response.status}`, {
      code: 'api.failed',
      number: 101,
      hint: 'try again; the issuer may be busy',
      cause,
    });
  }
  const message = `unable to exchange tokens: ${said}`;
  if (code === grpcCodes.UNAUTHENTICATED || code === grpcCodes.PERMISSION_DENIED) {
    return new CliError('auth', message, { code: 'auth.exchange-refused', number: 101, cause });
  }
  const kind = code === grpcCodes.NOT_FOUND ? 'not-found' : 'api';
  return new CliError(kind, message, { code: `${kind}.exchange-failed`, number: 101, cause });
}

function oneLine(text: string): string {
  return text
    .slice(0, maxMessageLength)
    .replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')
    .trim()
    .replace(/\.$/, '');
}

/** Returns the error for an address where another program answers, such as a login wall. */
export function notAnIssuer(issuer: string): CliError {
  return new CliError('api', `${issuer} did not answer like a Chainguard issuer`, {
    code: 'api.not-an-issuer',
    hint: 'check `platform.issuer` with `chainctl config view`',
  });
}
