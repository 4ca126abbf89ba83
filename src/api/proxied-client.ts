import type { Dispatcher } from 'undici';
import connect from 'undici/lib/api/api-connect.js';
import request from 'undici/lib/api/api-request.js';
import ProxyDispatcher from 'undici/lib/dispatcher/dispatcher.js';
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';
import type { Host } from '../host.ts';
import type { Client, ClientTimes } from './transport.ts';

/** HTTP through the proxies that the environment names, by the inner modules of undici: the whole costs four times as much. */
export function createProxiedClient(host: Host, { connectTimeoutMs, keepAliveMs }: ClientTimes): Client {
  // Tunnels are opened with a method that undici's main module, which is not loaded, puts on all dispatchers.
  ProxyDispatcher.prototype.connect = connect;
  const value = (upper: string, lower: string) => host.env[lower] ?? host.env[upper];
  const httpProxy = value('HTTP_PROXY', 'http_proxy');
  const httpsProxy = value('HTTPS_PROXY', 'https_proxy');
  const noProxy = value('NO_PROXY', 'no_proxy');
  const dispatcher: Dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: connectTimeoutMs },
    keepAliveTimeout: keepAliveMs,
    // Whoever asks limits each wait.
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(httpProxy ? { httpProxy } : {}),
    ...(httpsProxy ? { httpsProxy } : {}),
    // No proxy knows the way to this machine itself; Go's clients never ask one for it either.
    noProxy: [...(noProxy ? [noProxy] : []), 'localhost', '127.0.0.1', '[::1]'].join(','),
  });
  return {
    async request({ url, method, headers, body, signal }) {
      const { origin, pathname, search } = url;
      const options = { origin, path: pathname + search, method, headers, body: body ?? null, signal };
      const answer = await request.call(dispatcher, options);
      const { statusCode: status, headers: received } = answer;
      return { status, headers: received, body: answer.body, destroy: () => void answer.body.destroy() };
    },
    close: () => dispatcher.destroy(),
  };
}
