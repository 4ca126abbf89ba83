// Chooses the proxy of a request. Read as curl and Go's clients read the variables, so that what works for them works
// here: the scheme may be left out, and a name in NO_PROXY stands for what is below it too.

import { BlockList, isIP } from 'node:net';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';

/** The proxy for an address, or undefined when it is asked directly. */
export function proxyFor(env: Host['env'], url: URL): URL | undefined {
  const lower = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const name = [lower, lower.toUpperCase()].find((one) => env[one]);
  if (name === undefined) return undefined;
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (isOwn(hostname)) return undefined;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const exceptions = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').toLowerCase().split(/[\s,]+/);
  return exceptions.some((one) => isExcepted(one, hostname, port)) ? undefined : parseProxy(name, env[name] ?? '');
}

function parseProxy(name: string, text: string): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^(https?|socks5?):$/.test(url.protocol)) return url;
  // It may hold a password.
  throw new CliError('usage', `${name} is not the address of a proxy`, {
    code: 'usage.proxy',
    hint: 'write it as "http://proxy.example.com:3128"',
  });
}

const ownNames: ReadonlySet<string> = new Set(['localhost', 'metadata.google.internal']);

const ownAddresses = new BlockList();
ownAddresses.addSubnet('127.0.0.0', 8, 'ipv4');
ownAddresses.addAddress('::1', 'ipv6');
// AWS, Azure and Google; ECS; EKS.
for (const address of ['169.254.169.254', '169.254.170.2', '169.254.170.23']) ownAddresses.addAddress(address);
for (const address of ['fd00:ec2::254', 'fd00:ec2::23']) ownAddresses.addAddress(address, 'ipv6');

/**
 * No proxy knows the way to this machine itself; Go's clients never ask one for it either. Nor may one hear what the
 * machine's cloud hands out in plain HTTP to whoever runs on it: credentials.
 */
const isOwn = (hostname: string) => ownNames.has(hostname) || isWithin(ownAddresses, hostname);

function isWithin(list: BlockList, hostname: string): boolean {
  const family = isIP(hostname);
  return family !== 0 && list.check(hostname, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * `*`, a name, `.name` or `*.name` for what is below it only, an address or a network; each but the network with a
 * port.
 */
function isExcepted(exception: string, hostname: string, port: string): boolean {
  if (exception === '') return false;
  if (exception === '*') return true;
  const network = /^(.+)\/(\d+)$/.exec(exception);
  if (network !== null) return isInNetwork(network[1] ?? '', Number(network[2]), hostname);
  if (isIP(exception) !== 0) return hostname === exception;
  const [, name = '', only] = /^\[?(?:\*(?=\.))?(.*?)\]?(?::(\d+))?$/.exec(exception) ?? [];
  if (only !== undefined && only !== port) return false;
  if (name.startsWith('.')) return hostname.endsWith(name);
  return hostname === name || (isIP(hostname) === 0 && hostname.endsWith(`.${name}`));
}

function isInNetwork(address: string, prefix: number, hostname: string): boolean {
  const family = isIP(address);
  if (family === 0 || prefix > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  return isWithin(list, hostname);
}
