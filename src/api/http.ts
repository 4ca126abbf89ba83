// The one way a command calls the platform. Guarantees: retries only what is safe to send twice, renews a
// refused token once, and maps every failure to a CliError whose text holds neither token nor query.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { ItemReader } from './item-reader.ts';
import type { Operation } from './schema/types.ts';
import { codeOfHttpStatus, grpcCodes } from './status.ts';
import {
  type HttpRequest,
  type HttpResponse,
  type HttpStream,
  neverConnected,
  retryAfterMs,
  send,
  sendStreaming,
} from './transport.ts';
import { isShallow, type Wire, WireError, type WireRequest } from './wire.ts';

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
  const { url, response } = await exchangeWith(options, exchangeOf(wire, operation, message), send);
  return decode(wire, operation, response, url);
}

function exchangeOf(wire: Wire, operation: Operation, message: Record<string, unknown>): Exchange {
  const { method, path, query, body } = encode(wire, operation, message);
  const { id: name, idempotent } = operation;
  const place = placeOf(operation, message);
  return { method, path: query ? `${path}?${query}` : path, body, name, idempotent, ...(place ? { place } : {}) };
}

/** Returns where its capabilities are needed; undefined for an operation that is about no one place. */
export function placeOf({ scope }: Operation, message: Record<string, unknown>): string | undefined {
  // One without a scope checks itself, at the place that it is told.
  for (const path of scope === null ? ['parent', 'parent_id', 'group', 'id'] : [scope]) {
    let value: unknown = message;
    for (const step of path.split('.')) {
      value = Object(value)[step.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    }
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/**
 * The items of a list operation's answer, as soon as they have arrived, so that memory does not grow with the list. Throws,
 * after the items before, when the answer ends in the middle.
 */
export async function* listItems(
  options: ApiOptions,
  wire: Wire,
  operation: Operation,
  message: Record<string, unknown>,
): AsyncGenerator<readonly unknown[]> {
  // While the answer is on its way.
  const reading = import('./item-reader.ts');
  const { url, response } = await exchangeWith(options, exchangeOf(wire, operation, message), (host, request) =>
    // One byte a second would be waited for till the end of days.
    streaming(host, { ...request, leastBytes: 1024 }),
  );
  const reader = new (await reading).ItemReader();
  for await (const chunk of response.body) {
    for (const piece of reader.pieces(chunk)) {
      const items: unknown[] = [];
      const failure = readItems(reader, piece, (value) => items.push(wire.decodeItem(operation.response, value)));
      if (items.length > 0) yield items;
      if (failure instanceof SyntaxError || failure instanceof WireError) throw notTheApi(url, failure);
      if (failure !== undefined) throw failure;
    }
  }
  if (reader.isWhole) return;
  const { protocol, host } = new URL(url);
  throw new CliError('network', `The answer of ${protocol}//${host} ends in the middle`, {
    code: 'network.truncated',
    hint: 'try again',
  });
}

/** Gives the values of a piece of the answer, as far as they are good. Returns what is wrong with the rest. */
function readItems(reader: ItemReader, piece: Buffer, take: (value: unknown) => void): unknown {
  const values: unknown[] = [];
  let failure: unknown;
  try {
    reader.read(piece, values);
  } catch (error) {
    failure = error;
  }
  try {
    for (const value of values) take(value);
  } catch (error) {
    return error;
  }
  return failure;
}

/** The answer as it arrives; a failure is read whole, for its message. */
async function streaming(host: Host, request: HttpRequest): Promise<HttpStream & HttpResponse> {
  const stream = await sendStreaming(host, request);
  return { ...stream, text: stream.status >= 300 ? await textOf(stream.body) : '' };
}

/** A request to a path beside the API, and how it is called in messages. */
export interface Exchange {
  readonly method: HttpRequest['method'];
  /** With its query. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly name: string;
  /** Whether the request may be sent twice. */
  readonly idempotent: boolean;
  /** Place where the capabilities are needed. */
  readonly place?: string;
  /** In place of the client's own. */
  readonly timeoutMs?: number;
}

/** Returns what a path answers, as JSON. */
export async function callPath(options: ApiOptions, exchange: Exchange): Promise<unknown> {
  const { url, response } = await exchangeWith(options, exchange, send);
  if (!looksLikeJson(response)) throw notTheApi(url);
  return fromJson(response.text, url);
}

function fromJson(text: string, url: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notTheApi(url, error instanceof Error ? error : undefined);
  }
  if (!isShallow(value)) throw notTheApi(url);
  return value;
}

/** Characters of one line; what is longer is no event of any stream. */
const maxLineCharacters = 4 * 1024 * 1024;

/** The lines of JSON that a path answers, as they come, until the other side ends. A line cut short is not given. */
export async function* readLines(options: ApiOptions, exchange: Exchange): AsyncGenerator<unknown> {
  const { url, response } = await exchangeWith(options, exchange, streaming);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineCharacters) throw notTheApi(url);
    for (const line of lines) {
      if (line.trim() !== '') yield fromJson(line, url);
    }
  }
}

/** Nobody writes more about a failure; the rest, which may never end, is not waited for. */
const maxChunks = 64;

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
    if (chunks.length === maxChunks) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends until there is an answer that is no failure, as often as that is safe. */
async function exchangeWith<R extends HttpResponse>(
  options: ApiOptions,
  exchange: Exchange,
  sender: (host: Host, request: HttpRequest) => Promise<R>,
): Promise<{ readonly url: string; readonly response: R }> {
  const { method, path, body, name, idempotent, timeoutMs = options.timeoutMs } = exchange;
  const url = `${options.baseUrl.replace(/\/+$/, '')}${path}`;
  let renewed = false;
  let bearer = await options.bearer(false);
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= maxAttempts;
    let response: R;
    try {
      response = await sender(options.host, {
        method,
        url,
        headers: {
          authorization: `Bearer ${bearer}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        signal: options.signal,
      });
    } catch (error) {
      // Nothing listening is an answer a person can act on now; only a cut connection is worth another try.
      const isCut = error instanceof CliError && error.kind === 'network' && !neverConnected.has(error);
      if (!isCut || !idempotent || last) throw error;
      await pause(options, 'the connection was cut', backoffMs(options.host, attempt));
      continue;
    }
    if (response.status >= 200 && response.status < 300) return { url, response };
    if (response.status === 401 && !renewed) {
      renewed = true;
      bearer = await options.bearer(true).catch((error: unknown) => {
        throw withRefusal(error, response);
      });
      continue;
    }
    if (response.status >= 300 && response.status < 400) throw redirected(response, url);
    const mayRetry = retryStatuses.has(response.status) && (idempotent || response.status === 429);
    const wanted = retryAfterMs(options.host, response);
    if (!mayRetry || last || (wanted ?? 0) > maxRetryAfterMs) {
      const error = toApiError(response, url, name);
      throw error.code === 'api.permission-denied' ? await explained(error, exchange, bearer) : error;
    }
    await pause(
      options,
      `${new URL(url).host} answered ${response.status}`,
      wanted ?? backoffMs(options.host, attempt),
    );
  }
}

/** The same with the line that tells why, where what is missing and where are known. */
async function explained(error: CliError, { place }: Exchange, bearer: string): Promise<CliError> {
  const { explainLine } = await import('./explain-line.ts');
  const line = explainLine(error.message.replace(/^Permission denied: /, ''), place, bearer);
  if (line === undefined) return error;
  const { kind, message, code, cause } = error;
  return new CliError(kind, message, { code, cause, hint: `see why with \`${line}\`` });
}

function encode(wire: Wire, operation: Operation, message: Record<string, unknown>): WireRequest {
  try {
    return wire.encodeRequest(operation, message);
  } catch (error) {
    // Input such as `..` in an id, which nothing upstream refused.
    if (error instanceof WireError) throw new CliError('usage', capitalized(error.message), { cause: error });
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

/** Returns what an answer says of its failure. */
function refusalIn(response: HttpResponse): { readonly code?: number; readonly message: string } {
  if (!looksLikeJson(response)) return { message: '' };
  try {
    const { code, message } = JSON.parse(response.text) as { code?: unknown; message?: unknown };
    return {
      ...(typeof code === 'number' ? { code } : {}),
      message: typeof message === 'string' ? message.trim().replace(/\.$/, '') : '',
    };
  } catch {
    // Half a document is no better than none: the status speaks.
    return { message: '' };
  }
}

/** That nobody is logged in any more, and what the platform has against the token that was refused. */
function withRefusal(error: unknown, response: HttpResponse): unknown {
  const { message } = refusalIn(response);
  if (!(error instanceof CliError) || error.kind !== 'auth' || message === '') return error;
  return new CliError('auth', error.message, {
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details: [`The platform says: ${message}`, ...error.details],
    cause: error,
  });
}

/** No bearer follows a redirect, so where it leads is for a person to look at. */
function redirected({ headers, status }: HttpResponse, url: string): CliError {
  const { location } = headers;
  const target =
    typeof location === 'string' && URL.canParse(location, url) ? new URL(location, url).origin : undefined;
  const where = target === undefined ? '' : ` to ${target}`;
  return new CliError('api', `${new URL(url).origin} answers with a redirect${where}, which is not followed`, {
    code: 'api.redirect',
    hint: 'check `platform.api` with `chainctl config view`, and whether a proxy stands in between',
    cause: new Error(`HTTP ${status}`),
  });
}

function toApiError(response: HttpResponse, url: string, operationId: string): CliError {
  const origin = new URL(url).origin;
  const { code = codeOfHttpStatus(response.status), message } = refusalIn(response);
  const said = message === '' ? `${origin} answered ${response.status}` : capitalized(message);
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
      // The platform names the capability and nothing else; a person who reads it needs the rest.
      return new CliError('permission', /^missing: /.test(message) ? `Permission denied: ${message}` : said, {
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

/**
 * Only a word: an id or a name would be another one, and scripts look for a field's, as in `etag: etag is required`.
 */
const capitalized = (text: string) =>
  /^[a-z]+(?=[\s,;]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
