// Making an account for a login from elsewhere (protocols 5). Not part of the API client: the bearer is the login's own
// ID token and no token of the platform.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { send } from './transport.ts';

export interface RegistrationRequest {
  readonly issuer: string;
  /** The ID token of who signs in. */
  readonly token: string;
  /** An invite to accept with it. */
  readonly code?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws kind `auth` when the platform will not have it, with its words. */
export async function register(host: Host, request: RegistrationRequest): Promise<void> {
  const response = await send(host, {
    method: 'POST',
    url: `${request.issuer.replace(/\/+$/, '')}/auth/v1/register`,
    headers: {
      authorization: `Bearer ${request.token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: JSON.stringify(request.code === undefined ? {} : { code: request.code }),
    timeoutMs: 30_000,
    maxBytes: 1024 * 1024,
    signal: request.signal,
  });
  if (response.status >= 200 && response.status < 300) return;
  const reason = messageIn(response.text) || `the platform answered ${response.status}`;
  const what = request.code === undefined ? 'register' : 'accept the invitation';
  throw new CliError('auth', `Cannot ${what}: ${reason}`, {
    code: request.code === undefined ? 'auth.not-registered' : 'auth.invite-refused',
    ...(request.code === undefined ? {} : { hint: 'ask who invited you for a new code' }),
  });
}

function messageIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    const message = typeof value === 'object' && value !== null && 'message' in value ? value.message : undefined;
    if (typeof message !== 'string') return '';
    return message
      .slice(0, 500)
      .replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')
      .trim()
      .replace(/\.$/, '');
  } catch {
    return '';
  }
}
