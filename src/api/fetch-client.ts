import type { Client, ClientOptions, RawRequest, RawResponse } from './connection.ts';

/** Options of Bun's fetch beyond the standard. */
type BunInit = RequestInit & {
  readonly decompress: false;
  readonly timeout: false;
  readonly tls?: { readonly ca: string[] };
};

/**
 * HTTP without a proxy in an executable: Bun's own fetch, which starts in two thirds of the time of its `node:http`.
 */
export function createFetchClient({ connectTimeoutMs, ca }: ClientOptions): Client {
  return {
    async request(raw) {
      const { url, method, headers, body, signal } = raw;
      const controller = new AbortController();
      const forward = () => controller.abort(signal.reason);
      if (signal.aborted) forward();
      signal.addEventListener('abort', forward, { once: true });
      const stop = watchConnecting(raw, connectTimeoutMs, controller);
      const init: BunInit = {
        method,
        // Sizes are limited as they are sent; nobody asks for packed answers, so nothing that comes is unpacked.
        headers: { 'accept-encoding': 'identity', ...headers },
        ...(body === undefined ? {} : { body }),
        signal: controller.signal,
        redirect: 'manual',
        decompress: false,
        timeout: false,
        ...(ca && { tls: { ca } }),
      };
      try {
        return toRaw(await withoutProxies(() => fetch(url, init)), controller);
      } finally {
        stop();
      }
    },
    // It keeps connections for the process and holds it up with none.
    close: async () => {},
  };
}

function toRaw(response: Response, controller: AbortController): RawResponse {
  const { status, headers, body } = response;
  const read = async function* (): AsyncGenerator<Buffer> {
    if (body === null) return;
    const reader = body.getReader();
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        yield Buffer.from(part.value.buffer, part.value.byteOffset, part.value.byteLength);
      }
    } finally {
      // A caller that stops early does not want the rest.
      await reader.cancel().catch(() => {});
    }
  };
  return { status, headers: Object.fromEntries(headers), body: read(), destroy: () => controller.abort() };
}

const proxyVariables = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];

/** The route is chosen before (`proxy.ts`). Bun reads the variables by rules of its own, when it is called. */
function withoutProxies<T>(call: () => T): T {
  const hidden = proxyVariables.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [name] of hidden) delete process.env[name];
  try {
    return call();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}

/** Milliseconds that a second connection gets, to find out what the first one waits for. */
const probeMs = 2_000;

/**
 * Breaks the request off when its server accepts no connection in time. Fetch does not say when it is connected, so
 * shortly before the end another connection is tried. Returns what ends the watch.
 */
function watchConnecting({ url }: RawRequest, timeoutMs: number, controller: AbortController): () => void {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  let close = () => {};
  const timer = setTimeout(() => {
    const socket = process.getBuiltinModule('node:net').connect(port, host);
    const limit = setTimeout(() => {
      controller.abort(Object.assign(new Error('not connected'), { code: 'ERR_CONNECT_TIMEOUT' }));
    }, probeMs);
    close = () => {
      clearTimeout(limit);
      socket.destroy();
    };
    // Refused or not, it is no matter of time.
    socket.once('connect', close).once('error', close);
  }, timeoutMs - probeMs);
  return () => {
    clearTimeout(timer);
    close();
  };
}
