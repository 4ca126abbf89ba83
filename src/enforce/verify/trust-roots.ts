// Trust roots of one's own: from single keys and certificates, and from the TrustRoot objects of a cluster
// (policy.sigstore.dev/v1alpha1). Guarantees: what is no key or certificate is refused by the name of what holds it.

import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Refusal } from './refusal.ts';

const sinceEver = { start: '1970-01-01T00:00:00Z' };

/** A log of which only the key is known; it is called by the hash of its key (RFC 6962, 3.2). */
export function logOf(key: KeyObject): object {
  const bytes = key.export({ type: 'spki', format: 'der' });
  return {
    baseUrl: '',
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: bytes.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: sinceEver },
    logId: { keyId: createHash('sha256').update(bytes).digest('base64') },
  };
}

export function authorityOf(pem: string): object {
  const certificates = certificatesIn(pem);
  if (certificates.length === 0) throw new Refusal('ca-cert holds no certificate in PEM');
  return { subject: {}, uri: '', certChain: { certificates }, validFor: sinceEver };
}

function certificatesIn(pem: string): { rawBytes: string }[] {
  try {
    return (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map((block) => ({
      rawBytes: new X509Certificate(block).raw.toString('base64'),
    }));
  } catch {
    return [];
  }
}

interface OwnKeys {
  readonly certificateAuthorities?: readonly { readonly uri?: string; readonly certChain?: string }[];
  readonly tLogs?: readonly { readonly publicKey?: string }[];
  readonly ctLogs?: readonly { readonly publicKey?: string }[];
  readonly timestampAuthorities?: readonly { readonly uri?: string; readonly certChain?: string }[];
}

/** The `spec` of a TrustRoot (policy.sigstore.dev/v1alpha1) as `trusted_root.json`. Throws Refusal, naming it. */
export function trustRootFrom(name: string, spec: unknown): object {
  const { sigstoreKeys } = (spec ?? {}) as { sigstoreKeys?: OwnKeys };
  if (sigstoreKeys === undefined)
    throw new Refusal(`trust root ${name} must hold its keys in sigstoreKeys; a TUF repository is not read`);
  const pem = (text = ''): string => Buffer.from(text, 'base64').toString('utf8');
  const authorities = (list: OwnKeys['certificateAuthorities'] = []) =>
    list.map(({ certChain, uri = '' }) => {
      const certificates = certificatesIn(pem(certChain));
      if (certificates.length === 0) throw new Refusal(`trust root ${name} has a certChain without certificates`);
      return { subject: {}, uri, certChain: { certificates }, validFor: sinceEver };
    });
  const logs = (list: OwnKeys['tLogs'] = []) =>
    list.map(({ publicKey }) => {
      try {
        return logOf(createPublicKey(pem(publicKey)));
      } catch {
        throw new Refusal(`trust root ${name} has a publicKey that is none`);
      }
    });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: authorities(sigstoreKeys.certificateAuthorities),
    tlogs: logs(sigstoreKeys.tLogs),
    ctlogs: logs(sigstoreKeys.ctLogs),
    timestampAuthorities: authorities(sigstoreKeys.timestampAuthorities),
  };
}
