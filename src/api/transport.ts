// One HTTP exchange. Guarantees: redirects are never followed (a bearer must not leak, semantics 3.5), every wait has
// an end, and a failure is a CliError that names the host but neither the query nor a header.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { isLoopbackHost } from '../loopback.ts';
import type { Client, ClientOptions, HttpHead, HttpMethod, RawRequest, RawResponse } from './connection.ts';

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for the whole exchange; 60 000 unless said otherwise. */
  readonly timeoutMs?: number;
  /** Bytes of a stream that have to come within each `timeoutMs` of waiting for them; 1 unless said otherwise. */
  readonly leastBytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Largest answer read, in bytes; a longer one is an error. 64 MiB unless said otherwise. */
  readonly maxBytes?: number;
}

export interface HttpResponse extends HttpHead {
  /** The body as UTF-8. */
  readonly text: string;
}

export interface WholeResponse extends HttpResponse {
  /** The body as it came. */
  readonly bytes: Buffer;
}

/** Set on errors where no byte of the request can have reached the server, so any request may be sent again. */
export const neverConnected = new WeakSet<CliError>();

/** The clients of one process, each made by the first request that goes its way. */
class Connections {
  readonly #host: Host;
  readonly #clients = new Map<string, Promise<Client>>();
  #ca: Promise<string[]> | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  async request(raw: RawRequest, proxy: URL | undefined): Promise<RawResponse> {
    if (this.#ca === undefined) {
      try {
        return await (await this.#client(proxy)).request(raw);
      } catch (error) {
        if (!untrusted.has(codeOf(error))) throw error;
      }
    }
    // Reading what the system trusts costs more than most commands, and few need it.
    this.#ca ??= import('./certificates.ts').then(({ authorities }) => authorities(this.#host));
    return (await this.#client(proxy, await this.#ca)).request(raw);
  }

  #client(proxy: URL | undefined, ca?: string[]): Promise<Client> {
    const key = `${proxy?.href} ${ca !== undefined}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const client = openClient(proxy, { connectTimeoutMs: 10_000, keepAliveMs: 4_000, ...(ca && { ca }) });
    this.#clients.set(key, client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(async (client) => (await client).close()));
  }
}

async function openClient(proxy: URL | undefined, options: ClientOptions): Promise<Client> {
  if (proxy === undefined && process.versions['bun'] !== undefined) {
    const { createFetchClient } = await import('./fetch-client.ts');
    return createFetchClient(options);
  }
  if (proxy === undefined) {
    const { createDirectClient } = await import('./direct-client.ts');
    return createDirectClient(options);
  }
  // On Node 20 undici's start is dominated by compiling its WebAssembly parser twice; later lines do better without
  // (performance.md 4).
  if (process.versions.node.startsWith('20.')) {
    process.getBuiltinModule('node:v8').setFlagsFromString('--liftoff-only');
  }
  const { createProxiedClient } = await import('./proxied-client.ts');
  return createProxiedClient(proxy, options);
}

// Keyed by host so that tests do not share sockets.
const connections = new WeakMap<Host, Connections>();

function connectionsOf(host: Host): Connections {
  let known = connections.get(host);
  if (known === undefined) {
    known = new Connections(host);
    connections.set(host, known);
  }
  return known;
}

const proxyVariables = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];

async function proxyOf({ env }: Host, url: URL): Promise<URL | undefined> {
  if (!proxyVariables.some((name) => env[name])) return undefined;
  return (await import('./proxy.ts')).proxyFor(env, url);
}

const traces = new WeakMap<Host, (line: () => string) => void>();

/** Has every exchange told in one line, without query, headers and bodies: those hold tokens. */
export function traceExchanges(host: Host, tell: (line: () => string) => void): void {
  traces.set(host, tell);
}

/** Called when an exchange begins; what it returns, when its answer has come or failed. */
export type Watch = (request: { readonly method: string; readonly url: URL }) => () => void;

const watches = new WeakMap<Host, Watch>();

/** Has the beginning and the end of every exchange told, for whoever waits for it. */
export function watchExchanges(host: Host, watch: Watch): void {
  watches.set(host, watch);
}

/** Closes kept-alive connections, so that the process can end at once. */
export async function closeTransport(host: Host): Promise<void> {
  const known = connections.get(host);
  connections.delete(host);
  await known?.close();
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

export interface HttpStream extends RawResponse {
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
  // AbortSignal.timeout and AbortSignal.any keep the process alive or leak listeners on Node 20; one controller does
  // not.
  const controller = new AbortController();
  const limit = (ms = timeoutMs) => setTimeout(() => controller.abort(timedOut), ms);
  let timer = limit();
  const forward = () => controller.abort(request.signal?.reason);
  request.signal?.addEventListener('abort', forward, { once: true });
  const close = () => {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', forward);
  };
  const start = host.now();
  const ended = watches.get(host)?.({ method: request.method, url });
  const trace = (what: string | number) =>
    traces.get(host)?.(
      () => `${request.method} ${url.origin}${url.pathname}: ${what} after ${Math.round(host.now() - start)} ms`,
    );
  let proxy: URL | undefined;
  const toReportedError = (error: unknown): unknown => {
    if (error instanceof CliError) return error;
    if (request.signal?.aborted) return request.signal.reason;
    return toTransportError(error, { url, proxy, timeoutMs, isTimeout: controller.signal.reason === timedOut });
  };
  let answer: RawResponse;
  try {
    proxy = await proxyOf(host, url);
    const raw: RawRequest = {
      url,
      method: request.method,
      headers: { 'user-agent': 'chainctl', ...request.headers },
      body: request.body,
      signal: controller.signal,
    };
    answer = await connectionsOf(host).request(raw, proxy);
  } catch (error) {
    close();
    ended?.();
    trace(codeOf(error));
    throw toReportedError(error);
  }
  trace(answer.status);
  // The rest of a stream may never come, and is nobody's to wait for.
  if (limits === 'pause') ended?.();
  if (limits === 'pause') clearTimeout(timer);
  const read = async function* (): AsyncGenerator<Buffer> {
    try {
      if (limits === 'whole') {
        yield* answer.body;
        return;
      }
      let wait = { left: timeoutMs, bytes: 0, since: performance.now() };
      timer = limit();
      for await (const chunk of answer.body) {
        // A reader who takes his time is no pause of the server's.
        clearTimeout(timer);
        wait.left -= performance.now() - wait.since;
        wait.bytes += chunk.length;
        if (wait.bytes >= (request.leastBytes ?? 1)) wait = { left: timeoutMs, bytes: 0, since: 0 };
        yield chunk;
        wait.since = performance.now();
        timer = limit(wait.left);
      }
    } catch (error) {
      throw toReportedError(error);
    } finally {
      close();
      ended?.();
    }
  };
  return { ...answer, body: read() };
}

const timedOut = Symbol('timed out');

/** A certificate that leads to no authority that is trusted. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const refusals: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing is listening there',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network',
  ERR_CONNECT_TIMEOUT: 'it did not accept a connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept a connection in time',
  CERT_HAS_EXPIRED: 'its certificate has expired, or the clock of this machine is fast',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or the clock of this machine is slow',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  EPROTO: 'it does not speak TLS',
};

/** Answer of a proxy in place of a tunnel. */
const answers: Readonly<Record<string, string>> = {
  403: 'it does not lead there',
  407: 'it wants a user and a password',
};

const broken: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
  ERR_NO_ANSWER: 'it does not speak HTTP',
  // As Bun calls them.
  UnrequestedUpgrade: 'it does not speak HTTP',
  Malformed_HTTP_Response: 'it does not speak HTTP',
};

interface Exchange {
  readonly url: URL;
  readonly proxy: URL | undefined;
  readonly timeoutMs: number;
  readonly isTimeout: boolean;
}

function toTransportError(error: unknown, { url, proxy, timeoutMs, isTimeout }: Exchange): CliError {
  const code = codeOf(error);
  const isUntrusted = untrusted.has(code);
  const isLocal = code === 'ECONNREFUSED' && isLoopbackHost(url.hostname);
  const hint = isLocal
    ? 'start the local platform with `chainctl local start`, or leave it with `eval "$(chainctl local env --unset)"`'
    : isUntrusted
      ? "name a file with its authority's certificate in SSL_CERT_FILE"
      : proxy === undefined
        ? 'check the network and the platform URLs with `chainctl config validate`'
        : 'check the network, HTTPS_PROXY and NO_PROXY';
  if (isTimeout) {
    return new CliError('timeout', `${url.protocol}//${url.host} did not answer within ${timeoutMs / 1000} s`, {
      code: 'network.timeout',
      hint,
      cause: error,
    });
  }
  // Without user and password, which stand in front of the host.
  const way = proxy === undefined ? '' : ` through the proxy ${proxy.host}`;
  const what = `Cannot reach ${url.protocol}//${url.host}${way}`;
  const answer = proxy && /^Proxy response \((\d+)\)/.exec(error instanceof Error ? error.message : '')?.[1];
  const known = isUntrusted ? 'its certificate is from an authority that is not trusted here' : refusals[code];
  const refused = answer === undefined ? known : (answers[answer] ?? `it refuses with status ${answer}`);
  const result = new CliError('network', `${what}: ${refused ?? broken[code] ?? code}`, {
    code: 'network.unreachable',
    hint,
    cause: error,
  });
  if (refused !== undefined) neverConnected.add(result);
  return result;
}

function codeOf(error: unknown): string {
  // A refused connection to a name with several addresses arrives as an AggregateError of one error each.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    // On Node 20 what TLS has against the other side is only in the text of OpenSSL.
    const reason =
      error.code === 'EPROTO' ? /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(error.message)?.[1] : undefined;
    return reason === undefined ? error.code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
  }
  if (error instanceof Error && error.cause !== undefined) return codeOf(error.cause);
  return error instanceof Error ? error.message : 'unknown failure';
}
