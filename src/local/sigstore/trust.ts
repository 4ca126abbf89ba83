// An authority as files of sigstore's own formats (protobuf specification: TrustedRoot, SigningConfig). Guarantees: there is no
// transparency log and no log of certificates, and none is named.

import { X509Certificate } from 'node:crypto';
import type { Authority } from './authority.ts';

export function trustedRoot({ name, chain, timestampChain, since }: Authority, base: string): object {
  const authority = (certificates: readonly string[], uri: string) => ({
    subject: { organization: 'chainctl local', commonName: name },
    uri,
    certChain: {
      certificates: certificates.map((one) => ({ rawBytes: new X509Certificate(one).raw.toString('base64') })),
    },
    validFor: { start: new Date(since).toISOString() },
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [],
    certificateAuthorities: [authority(chain, base)],
    ctlogs: [],
    timestampAuthorities: [authority(timestampChain, timestampUrl(base))],
  };
}

export function signingConfig({ since }: Authority, base: string, issuer: string): object {
  const service = (url: string) => ({
    url,
    majorApiVersion: 1,
    validFor: { start: new Date(since).toISOString() },
    operator: 'chainctl local',
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service(base)],
    oidcUrls: [service(issuer)],
    tsaUrls: [service(timestampUrl(base))],
    tsaConfig: { selector: 'ANY' },
  };
}

const timestampUrl = (base: string): string => `${base}/api/v1/timestamp`;
