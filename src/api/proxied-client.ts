import connect from 'undici/lib/api/api-connect.js';
import request from 'undici/lib/api/api-request.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';
import type { Client, ClientOptions } from './connection.ts';

/** HTTP through one proxy, by the inner modules of undici: the whole costs four times as much to load. */
export function createProxiedClient(proxy: URL, { connectTimeoutMs, keepAliveMs, ca }: ClientOptions): Client {
  // Tunnels are opened with a method that undici's main module, which is not loaded, puts on all dispatchers.
  Dispatcher.prototype.connect = connect;
  const isSocks = proxy.protocol.startsWith('socks');
  const tls = { timeout: connectTimeoutMs, ...(ca && { ca }) };
  const dispatcher = new ProxyAgent({
    uri: proxy.href,
    connect: tls,
    requestTls: tls,
    // With it undici would speak TLS to a SOCKS proxy, which has none.
    ...(isSocks ? {} : { proxyTls: tls }),
    keepAliveTimeout: keepAliveMs,
    // Whoever asks limits each wait.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    async request({ url, method, headers, body, signal }) {
      const { origin, pathname, search } = url;
      const options = { origin, path: pathname + search, method, headers, body: body ?? null, signal };
      const { statusCode: status, headers: received, body: stream } = await request.call(dispatcher, options);
      return { status, headers: received, body: stream, destroy: () => void stream.destroy() };
    },
    close: () => dispatcher.destroy(),
  };
}
