// The way to the platform: proxy, certificates, and whether it answers at all.

import { proxyFor } from '../api/proxy.ts';
import { send, type WholeResponse } from '../api/transport.ts';
import type { ConfigKey } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { type Check, type Examined, type Finding, failure, ok } from './check.ts';
import { decider } from './configuration.ts';

const answers = new WeakMap<Examined, Map<string, Promise<WholeResponse>>>();

/** The answer of an address; each is asked once. */
export function answerOf(examined: Examined, url: string): Promise<WholeResponse> {
  const known = answers.get(examined) ?? new Map<string, Promise<WholeResponse>>();
  answers.set(examined, known);
  const { host, signal } = examined;
  const asked = known.get(url) ?? send(host, { method: 'GET', url, signal, timeoutMs: 10_000, maxBytes: 1_000_000 });
  known.set(url, asked);
  return asked;
}

export const issuerAddress = ({ config }: Examined) =>
  `${config.get('platform.issuer')}/.well-known/openid-configuration`;

export const network: Check = {
  name: 'network',
  async look(examined) {
    const { config } = examined;
    const addresses: readonly (readonly [ConfigKey, string])[] = [
      ['platform.issuer', issuerAddress(examined)],
      ['platform.api', config.get('platform.api')],
      ['platform.registry', `${config.get('platform.registry')}/v2/`],
    ];
    for (const [key, url] of addresses) {
      try {
        await answerOf(examined, url);
      } catch (error) {
        return [reasonOf(examined, key, url, error)];
      }
    }
    const proxy = proxyVariable(examined, config.get('platform.api'));
    const way = proxy === undefined ? '' : `, through the proxy that ${proxy} names`;
    return [ok(`The issuer, the API and the registry answer${way}`, { key: proxy })];
  },
};

/** The variable that sends an address through a proxy. Throws kind `usage` when it is no address. */
function proxyVariable({ host }: Examined, url: string): string | undefined {
  const address = new URL(url);
  if (proxyFor(host.env, address) === undefined) return undefined;
  const name = address.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  return host.env[name] ? name : name.toUpperCase();
}

function reasonOf(examined: Examined, key: ConfigKey, url: string, error: unknown): Finding {
  const { host, config } = examined;
  if (error instanceof CliError && error.code === 'usage.proxy') {
    const name = /^\w+/.exec(error.message)?.[0] ?? 'HTTPS_PROXY';
    return { ...failure(error, { key: name }), fix: `export ${name}=http://proxy.example.com:3128` };
  }
  const found = failure(error);
  if (/certificate is from an authority/.test(found.message)) {
    const name = host.env['SSL_CERT_FILE'] ? 'SSL_CERT_FILE' : 'NODE_EXTRA_CA_CERTS';
    const file = host.env[name] || undefined;
    const fix = 'export SSL_CERT_FILE=/path/to/the/authority.pem';
    return { ...found, fix, file, key: file === undefined ? 'SSL_CERT_FILE' : name };
  }
  const proxy = proxyVariable(examined, url);
  const { hostname } = new URL(url);
  if (proxy !== undefined) return { ...found, key: proxy, fix: `export NO_PROXY="$NO_PROXY,${hostname}"` };
  const said = decider(config, key);
  const where = { file: config.source(key) === 'env' ? undefined : config.path, key: said };
  return {
    ...found,
    ...where,
    fix: found.fix?.startsWith('chainctl local') ? found.fix : `curl -sS -o /dev/null ${url}`,
  };
}
