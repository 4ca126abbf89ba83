// One HTTP exchange. Promises: redirects are never followed (a bearer must not leak, semantics 3.5), every wait has an
// end, and a failure is a CliError that names the host but neither the query nor a header.

import type { Dispatcher } from 'undici';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for the whole exchange; 60 000 unless said otherwise. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Largest answer read, in bytes; a longer one is an error. 64 MiB unless said otherwise. */
  readonly maxBytes?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as UTF-8. */
  readonly text: string;
}

export interface WholeResponse extends HttpResponse {
  /** The body as it came. */
  readonly bytes: Buffer;
}

/** Set on errors where no byte of the request can have reached the server, so any request may be sent again. */
export const neverConnected = new WeakSet<CliError>();

const proxyVariables = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];

interface Client {
  readonly dispatcher: Dispatcher;
  request(options: Dispatcher.RequestOptions & { origin: string }): Promise<Dispatcher.ResponseData>;
}

// One keep-alive agent per process, made by the first request. Keyed by host so that tests do not share sockets.
const clients = new WeakMap<Host, Promise<Client>>();

async function openClient(host: Host): Promise<Client> {
  // On Node 20 undici's start is dominated by compiling its WebAssembly parser twice; later lines do better without
  // (performance.md 4).
  if (process.versions.node.startsWith('20.')) {
    process.getBuiltinModule('node:v8').setFlagsFromString('--liftoff-only');
  }
  const apiRequest = (await import('undici/lib/api/api-request.js')).default;
  const options = { connect: { timeout: 10_000 }, keepAliveTimeout: 4_000 };
  let dispatcher: Dispatcher;
  if (proxyVariables.some((name) => host.env[name])) {
    const EnvHttpProxyAgent = (await import('undici/lib/dispatcher/env-http-proxy-agent.js')).default;
    // Tunnels are opened with a method that undici's main module, which is not loaded, puts on all dispatchers.
    const Dispatcher = (await import('undici/lib/dispatcher/dispatcher.js')).default;
    Dispatcher.prototype.connect = (await import('undici/lib/api/api-connect.js')).default;
    const value = (upper: string, lower: string) => host.env[lower] ?? host.env[upper];
    const httpProxy = value('HTTP_PROXY', 'http_proxy');
    const httpsProxy = value('HTTPS_PROXY', 'https_proxy');
    const noProxy = value('NO_PROXY', 'no_proxy');
    dispatcher = new EnvHttpProxyAgent({
      ...options,
      ...(httpProxy ? { httpProxy } : {}),
      ...(httpsProxy ? { httpsProxy } : {}),
      // No proxy knows the way to this machine itself; Go's clients never ask one for it either.
      noProxy: [...(noProxy ? [noProxy] : []), 'localhost', '127.0.0.1', '[::1]'].join(','),
    });
  } else {
    const Agent = (await import('undici/lib/dispatcher/agent.js')).default;
    dispatcher = new Agent(options);
  }
  return { dispatcher, request: (request) => apiRequest.call(dispatcher, request) };
}

function clientOf(host: Host): Promise<Client> {
  let client = clients.get(host);
  if (client === undefined) {
    client = openClient(host);
    clients.set(host, client);
  }
  return client;
}

/** Closes kept-alive connections, so that the process can end at once. */
export async function closeTransport(host: Host): Promise<void> {
  const client = clients.get(host);
  if (client === undefined) return;
  clients.delete(host);
  await (await client).dispatcher.destroy();
}

/** Retry-After in milliseconds: seconds or an HTTP date (RFC 9110 10.2.3). */
export function retryAfterMs(host: Host, response: HttpResponse): number | undefined {
  const header = response.headers['retry-after'];
  if (typeof header !== 'string') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - host.now());
}

export async function send(host: Host, request: HttpRequest): Promise<WholeResponse> {
  const limit = request.maxBytes ?? 64 * 1024 * 1024;
  const { status, headers, body, destroy } = await open(host, request, 'whole');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) {
      // Left alone, it would be waited for to its end.
      destroy();
      const { host: name } = new URL(request.url);
      throw new CliError('api', `The answer of ${name} is larger than ${limit} bytes`, { code: 'api.too-large' });
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  let text: string | undefined;
  return {
    status,
    headers,
    bytes,
    get text() {
      text ??= bytes.toString('utf8');
      return text;
    },
  };
}

export interface HttpStream extends Omit<HttpResponse, 'text'> {
  /** Must be read, or returned from, until its end: that frees the connection. Throws as `send` does. */
  readonly body: AsyncIterable<Buffer>;
  /** Breaks off the answer. */
  destroy(): void;
}

/** The answer as it arrives. `timeoutMs` is for the headers, and then for each pause in the body. */
export const sendStreaming = (host: Host, request: HttpRequest): Promise<HttpStream> => open(host, request, 'pause');

async function open(host: Host, request: HttpRequest, limits: 'whole' | 'pause'): Promise<HttpStream> {
  request.signal?.throwIfAborted();
  const url = new URL(request.url);
  const timeoutMs = request.timeoutMs ?? 60_000;
  // AbortSignal.timeout and AbortSignal.any keep the process alive or leak listeners on Node 20; one controller does not.
  const controller = new AbortController();
  const timer = limits === 'whole' ? setTimeout(() => controller.abort(timedOut), timeoutMs) : undefined;
  const forward = () => controller.abort(request.signal?.reason);
  request.signal?.addEventListener('abort', forward, { once: true });
  const close = () => {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', forward);
  };
  const told = (error: unknown): unknown => {
    if (error instanceof CliError) return error;
    if (request.signal?.aborted) return request.signal.reason;
    return toTransportError(error, url, timeoutMs, controller.signal.reason === timedOut);
  };
  let response: Dispatcher.ResponseData;
  try {
    const client = await clientOf(host);
    response = await client.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers: { 'user-agent': 'chainctl', ...request.headers },
      body: request.body ?? null,
      signal: controller.signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  } catch (error) {
    close();
    throw told(error);
  }
  const read = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* response.body as AsyncIterable<Buffer>;
    } catch (error) {
      throw told(error);
    } finally {
      close();
    }
  };
  return {
    status: response.statusCode,
    headers: response.headers,
    body: read(),
    destroy: () => void response.body.destroy(),
  };
}

const timedOut = Symbol('timed out');

const refusals: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing is listening there',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept a connection in time',
};

const broken: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
};

/** Why a certificate is not taken; `true`: it is signed by nobody that is known here, which a company's own proxy makes so. */
const untrusted: Readonly<Record<string, readonly [reason: string, isUnknown: boolean]>> = {
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is signed by an authority that is not known here', true],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is signed by itself', true],
  UNABLE_TO_GET_ISSUER_CERT: ['its certificate is signed by an authority that is not known here', true],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is signed by an authority that is not known here', true],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is signed by an authority that is not known here', true],
  CERT_HAS_EXPIRED: ['its certificate has expired', false],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', false],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', false],
};

function toTransportError(error: unknown, url: URL, timeoutMs: number, isTimeout: boolean): CliError {
  const code = codeOf(error);
  const what = `Cannot reach ${url.protocol}//${url.host}`;
  const hint = 'check the network and the platform URLs with `chainctl config validate`';
  if (isTimeout || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new CliError('timeout', `${url.protocol}//${url.host} did not answer within ${timeoutMs / 1000} s`, {
      code: 'network.timeout',
      hint,
      cause: error,
    });
  }
  const refused = refusals[code];
  const [certificate, isUnknown = false] = untrusted[code] ?? [];
  const result = new CliError('network', `${what}: ${refused ?? broken[code] ?? certificate ?? code}`, {
    code: 'network.unreachable',
    hint: isUnknown
      ? 'if your network has an authority of its own, name the file of its certificate in NODE_EXTRA_CA_CERTS'
      : hint,
    cause: error,
  });
  if (refused !== undefined) neverConnected.add(result);
  return result;
}

function codeOf(error: unknown): string {
  // A refused connection to a name with several addresses arrives as an AggregateError of one error each.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof Error && error.cause !== undefined) return codeOf(error.cause);
  return error instanceof Error ? error.message : 'unknown failure';
}
