// Signs requests to AWS (Signature Version 4). Guarantees: the secret key signs and never leaves.

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
  /** None without it. */
  readonly body?: string;
}

/** The `Authorization` header of Signature Version 4. */
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
    sha256(parts.body ?? ''),
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
