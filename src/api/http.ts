// The one way a command calls an operation. Promises: retries only what is safe to send twice (architecture 7), renews a
// refused token once, and maps every failure to a CliError whose text holds neither token nor query.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { Operation } from './schema/types.ts';
import { codeOfHttpStatus, grpcCodes } from './status.ts';
import { type HttpResponse, neverConnected, retryAfterMs, send } from './transport.ts';
import { type Wire, WireError, type WireRequest } from './wire.ts';

export interface ApiOptions {
  readonly host: Host;
  /** Origin of the service, e.g. `https://console-api.enforce.dev`. */
  readonly baseUrl: string;
  /** The bearer to send; `renew` asks for one newer than the last. */
  readonly bearer: (renew: boolean) => Promise<string>;
  readonly signal: AbortSignal;
  /** Called before a pause, so that a person knows why nothing happens. */
  readonly onRetry?: (reason: string, waitMs: number) => void;
  /** Milliseconds one attempt may take; 60 000 unless said otherwise. */
  readonly timeoutMs?: number;
}

const retryStatuses = new Set([429, 502, 503, 504]);
const maxAttempts = 4;
/** A server that asks for more is answered with an error at once: nobody waits minutes for a list. */
const maxRetryAfterMs = 60_000;

export async function callOperation(
  options: ApiOptions,
  wire: Wire,
  operation: Operation,
  message: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const request = encode(wire, operation, message);
  const url = `${options.baseUrl.replace(/\/+$/, '')}${request.path}${request.query ? `?${request.query}` : ''}`;
  let renewed = false;
  let bearer = await options.bearer(false);
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= maxAttempts;
    let response: HttpResponse;
    try {
      response = await send(options.host, {
        method: request.method,
        url,
        headers: {
          authorization: `Bearer ${bearer}`,
          accept: 'application/json',
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
        signal: options.signal,
      });
    } catch (error) {
      const safe = error instanceof CliError && (operation.idempotent || neverConnected.has(error));
      // Nothing listening is an answer a person can act on now; only a cut connection is worth another try.
      if (!safe || last || neverConnected.has(error) || error.kind === 'timeout') throw error;
      await pause(options, 'the connection was cut', backoffMs(options.host, attempt));
      continue;
    }
    if (response.status >= 200 && response.status < 300) return decode(wire, operation, response, url);
    if (response.status === 401 && !renewed) {
      renewed = true;
      bearer = await options.bearer(true);
      continue;
    }
    const mayRetry = retryStatuses.has(response.status) && (operation.idempotent || response.status === 429);
    const wanted = retryAfterMs(options.host, response);
    if (!mayRetry || last || (wanted ?? 0) > maxRetryAfterMs) throw toApiError(response, url, operation.id);
    await pause(
      options,
      `${new URL(url).host} answered ${response.status}`,
      wanted ?? backoffMs(options.host, attempt),
    );
  }
}

function encode(wire: Wire, operation: Operation, message: Record<string, unknown>): WireRequest {
  try {
    return wire.encodeRequest(operation, message);
  } catch (error) {
    // What a person typed and nothing upstream refused, such as `..` in an id.
    if (error instanceof WireError) throw new CliError('usage', capitalised(error.message), { cause: error });
    throw error;
  }
}

function decode(wire: Wire, operation: Operation, response: HttpResponse, url: string): Record<string, unknown> {
  if (!looksLikeJson(response)) throw notTheApi(url);
  try {
    return wire.decodeResponse(operation.response, response.text);
  } catch (error) {
    if (error instanceof WireError) throw notTheApi(url, error);
    throw error;
  }
}

async function pause(options: ApiOptions, reason: string, waitMs: number): Promise<void> {
  options.onRetry?.(reason, waitMs);
  await options.host.sleep(waitMs, options.signal);
}

/** 250 ms doubling, each up to twice as long by chance so that many clients do not return together. */
function backoffMs(host: Host, attempt: number): number {
  const random = (host.randomBytes(1)[0] ?? 0) / 255;
  return Math.min(8_000, 250 * 2 ** (attempt - 1)) * (1 + random);
}

function notTheApi(url: string, cause?: Error): CliError {
  return new CliError('api', `${new URL(url).origin} did not answer like the Chainguard API`, {
    code: 'api.not-json',
    hint: 'check `platform.api` with `chainctl config view`',
    cause,
  });
}

const looksLikeJson = (response: HttpResponse) => /^\s*[{[]/.test(response.text);

function toApiError(response: HttpResponse, url: string, operationId: string): CliError {
  const origin = new URL(url).origin;
  let code = codeOfHttpStatus(response.status);
  let message = '';
  if (looksLikeJson(response)) {
    try {
      const body = JSON.parse(response.text) as { code?: unknown; message?: unknown };
      if (typeof body.code === 'number') code = body.code;
      if (typeof body.message === 'string') message = body.message.trim().replace(/\.$/, '');
    } catch {
      // Half a document is no better than none: the status speaks.
    }
  }
  const said = message === '' ? `${origin} answered ${response.status}` : capitalised(message);
  const options = { cause: new Error(`${operationId}: HTTP ${response.status}`) };
  switch (code) {
    case grpcCodes.INVALID_ARGUMENT:
    case grpcCodes.FAILED_PRECONDITION:
    case grpcCodes.OUT_OF_RANGE:
      return new CliError('api', said, { ...options, code: 'api.refused' });
    case grpcCodes.NOT_FOUND:
      return new CliError('not-found', said, { ...options, code: 'api.not-found' });
    case grpcCodes.ALREADY_EXISTS:
    case grpcCodes.ABORTED:
      return new CliError('conflict', said, { ...options, code: 'api.conflict' });
    case grpcCodes.PERMISSION_DENIED:
      return new CliError('permission', said, {
        ...options,
        code: 'api.permission-denied',
        hint: 'see what this login may do with `chainctl auth status`',
      });
    case grpcCodes.UNAUTHENTICATED:
      return new CliError('auth', `Not authenticated: ${message || 'the token was refused'}`, {
        ...options,
        code: 'auth.refused',
        hint: 'run `chainctl auth login`',
      });
    case grpcCodes.UNIMPLEMENTED:
      return new CliError('api', `${origin} does not offer ${operationId}`, { ...options, code: 'api.unimplemented' });
    case grpcCodes.RESOURCE_EXHAUSTED:
      return new CliError('api', message ? said : `${origin} asks to slow down`, {
        ...options,
        code: 'api.rate-limited',
        hint: 'wait a moment and try again',
      });
    default:
      return new CliError('api', said, { ...options, code: 'api.failed', hint: 'try again; the platform may be busy' });
  }
}

/** A text that begins with the name of a field, as in `etag: etag is required`, keeps it: scripts look for those words. */
const capitalised = (text: string) =>
  /^[a-z0-9_]+(?:\.[a-z0-9_]+)*:\s/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
