// The token of an AWS role or user: a signed GetCallerIdentity request that the platform has AWS answer (protocols 3.5).
// Guarantees: the secret key signs and never leaves; the request is bound to one issuer and one identity.

import { type AwsCredentials, amzDate, authorization, type SignedParts } from '../aws-signature.ts';

const host = 'sts.amazonaws.com';
const query = 'Action=GetCallerIdentity&Version=2011-06-15';

/** `now` in milliseconds since the epoch. AWS takes the request for fifteen minutes. */
export function awsIdentityToken(
  credentials: AwsCredentials,
  binding: { readonly audience: string; readonly identity: string },
  now: number,
): string {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'chainguard-audience': binding.audience,
    'chainguard-identity': binding.identity,
    host,
    'x-amz-date': amzDate(now),
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const parts: SignedParts = { method: 'POST', path: '/', query, headers, region: 'us-east-1', service: 'sts' };
  const lines = [
    `POST /?${query} HTTP/1.1`,
    `Host: ${host}`,
    ...Object.entries(headers)
      .filter(([name]) => name !== 'host')
      .map(([name, value]) => `${titled(name)}: ${value}`),
    `Authorization: ${authorization(credentials, parts)}`,
    'Content-Length: 0',
  ];
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  // URL-safe with padding, as the SDK writes it.
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function titled(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => `${dash}${letter.toUpperCase()}`);
}
