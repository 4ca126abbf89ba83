// The certificate authorities of this machine. Node trusts those it was built with and NODE_EXTRA_CA_CERTS; a company
// that looks into its traffic installs its own in the system, where Go's clients and curl find it.

import tls from 'node:tls';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';

/** Paths where Linux distributions keep them, as Go looks for them. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Returns what Node trusts and what the system does, in PEM; SSL_CERT_FILE stands for the system's. */
export function authorities(host: Host): string[] {
  const extra = host.env['NODE_EXTRA_CA_CERTS'];
  const own = extra ? [readTextIfExists(extra) ?? ''] : [];
  return [...tls.rootCertificates, ...own, ...systemAuthorities(host)];
}

function systemAuthorities(host: Host): string[] {
  const named = host.env['SSL_CERT_FILE'];
  if (named) return [readTextIfExists(named) ?? ''];
  if (host.platform !== 'linux') {
    // Node 22.15 and newer read macOS' keychain and Windows' store.
    return 'getCACertificates' in tls ? (tls.getCACertificates as (type: string) => string[])('system') : [];
  }
  for (const path of bundles) {
    const text = readTextIfExists(path);
    if (text !== undefined) return [text];
  }
  return [];
}
