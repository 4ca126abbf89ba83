import { isIP } from 'node:net';
import { isLoopbackHost } from '../../loopback.ts';

/**
 * Returns whether a Host header names this platform. A page on the web can make a browser reach loopback under a name
 * of its own (DNS rebinding), so names other than loopback ones are refused; `listenHost` is what the user chose to
 * listen on, `aliases` what they said it is called besides, on whatever port.
 */
export function isOwnHost(
  header: string | undefined,
  listenHost: string,
  port: number,
  aliases: readonly string[] = [],
): boolean {
  const match = /^(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>\d{1,5}))?$/.exec(header ?? '');
  const host = match?.groups?.['host']?.toLowerCase().replace(/^\[|\]$/g, '');
  if (host === undefined) return false;
  if (aliases.some((alias) => alias.toLowerCase() === host)) return true;
  if (Number(match?.groups?.['port'] ?? 80) !== port) return false;
  if (isLoopbackName(host) || host === listenHost.toLowerCase()) return true;
  // Rebinding needs a name: an address in the header is the address that was dialled.
  return isWildcard(listenHost) && isIP(host) !== 0;
}

/** Names below `localhost` as well: where they lead is nobody's to say (RFC 6761). */
export function isLoopbackName(host: string): boolean {
  return isLoopbackHost(host) || host.endsWith('.localhost');
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
