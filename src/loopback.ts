// Decides which hosts are this machine: nobody is in between, so plain HTTP there is as safe as https.

/** Returns whether a URL's host name, with or without the brackets of IPv6, leads nowhere else. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** https, or plain HTTP to this machine. */
export function isPrivateUrl(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}
