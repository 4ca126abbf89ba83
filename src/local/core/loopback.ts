import { isLoopbackName } from '../http/host-check.ts';
import type { PlatformUrls } from './types.ts';

/** Plain http to this machine itself: what stands in for https where there is no certificate. */
export function isLoopbackHttp(url: URL): boolean {
  return url.protocol === 'http:' && isLoopbackUrl(url);
}

export function isLoopbackUrl(url: URL): boolean {
  return isLoopbackName(url.hostname.replace(/^\[|\]$/g, ''));
}

/** Returns whether a URL leads to the platform itself. All loopback names are one host, whatever the spelling. */
export function isPlatformUrl(url: URL, urls: PlatformUrls): boolean {
  return Object.values(urls).some((address) => {
    const own = new URL(address);
    const isSameHost = own.hostname === url.hostname || (isLoopbackUrl(own) && isLoopbackUrl(url));
    return isSameHost && portOf(own) === portOf(url);
  });
}

function portOf(url: URL): string {
  return url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80';
}
