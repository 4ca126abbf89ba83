// The token of an AWS role or user: a signed GetCallerIdentity request that the platform has AWS answer (protocols 3.5).
// Guarantees: the secret key signs and never leaves; the request is bound to one issuer and one identity.

import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignedParts {
  readonly method: string;
  readonly path: string;
  /** Encoded and sorted. */
  readonly query: string;
  /** Lower-case names; `host` and `x-amz-date` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly region: string;
  readonly service: string;
}

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

/** The `Authorization` header of Signature Version 4 for a request without a body. */
export function authorization(credentials: AwsCredentials, parts: SignedParts): string {
  const { method, path, query: queryText, headers, region, service } = parts;
  const names = Object.keys(headers).sort();
  const date = headers['x-amz-date'] ?? '';
  const canonical = [
    method,
    path,
    queryText,
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    sha256(''),
  ].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = [date.slice(0, 8), region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, word) => hmac(secret, word),
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hmac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

/** `YYYYMMDDThhmmssZ`. */
export function amzDate(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
}

function titled(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => `${dash}${letter.toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
