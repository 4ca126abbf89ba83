// Shared code: reads the answers of the sources of AWS credentials.

import type { AwsCredentials } from '../aws-signature.ts';
import { CliError } from '../errors.ts';
import { memberOf } from '../json.ts';

/** Bytes; credentials are short. */
export const maxBytes = 64 * 1024;

/** `tokenName` is what the answer calls the session token. */
export function fromAnswer(value: unknown, tokenName: 'Token' | 'SessionToken'): AwsCredentials | undefined {
  const text = (name: string) => {
    const member = memberOf(value, name);
    return typeof member === 'string' ? member : undefined;
  };
  return credentialsOf(text('AccessKeyId'), text('SecretAccessKey'), text(tokenName));
}

export function credentialsOf(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
): AwsCredentials | undefined {
  if (!accessKeyId || !secretAccessKey) return undefined;
  // They go into headers.
  for (const value of [accessKeyId, sessionToken ?? '']) {
    if (!/^[\x21-\x7e]*$/.test(value)) throw noCredentials('they are not one word of plain text each');
  }
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined };
}

/** https, or the places where clouds answer in plain http: this machine and link-local addresses. */
export function requireSafe(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const near = /^(localhost|127(\.\d+){3}|\[::1\]|169\.254(\.\d+){2}|\[fd00:ec2::(254|23)\])$/;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && near.test(url.hostname))) return;
  throw noCredentials('their address is neither https nor on this machine');
}

export function noCredentials(reason: string, hint = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'): CliError {
  return new CliError('auth', `No AWS credentials: ${reason}`, { code: 'auth.no-aws-credentials', hint });
}
