// Making an account for a login from elsewhere (protocols 5), or a cluster for its agent's (enforce.md 1.2). Not part of the API
// client: the bearer is the login's own ID token and no token of the platform.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { parseObject, textOf } from '../json.ts';
import { send } from './transport.ts';

interface Registration {
  readonly issuer: string;
  /** The ID token of who signs in. */
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistrationRequest extends Registration {
  /** An invite to accept with it. */
  readonly code?: string | undefined;
}

export interface ClusterRegistrationRequest extends Registration {
  /** An invite for a cluster. */
  readonly code: string;
  /** Uid of namespace gulfstream. */
  readonly clusterId: string;
  /** UIDP of who the agent is; a new identity when it is empty. */
  readonly identityId: string;
  readonly clusterName: string;
  readonly clusterDescription: string;
}

/** Throws kind `auth` when the platform will not have it, with its words. */
export async function register(host: Host, request: RegistrationRequest): Promise<void> {
  const { status, text } = await post(host, request, request.code === undefined ? {} : { code: request.code });
  if (status >= 200 && status < 300) return;
  const reason = messageIn(text) || `the platform answered ${status}`;
  const what = request.code === undefined ? 'register' : 'accept the invitation';
  throw new CliError('auth', `Cannot ${what}: ${reason}`, {
    code: request.code === undefined ? 'auth.not-registered' : 'auth.invite-refused',
    ...(request.code === undefined ? {} : { hint: 'ask who invited you for a new code' }),
  });
}

/** Returns the UIDP of who the agent is from now on. Throws code `api.refused` with the platform's words. */
export async function registerCluster(host: Host, request: ClusterRegistrationRequest): Promise<string> {
  const { issuer: _issuer, token: _token, signal: _signal, ...body } = request;
  const { status, text } = await post(host, request, body);
  const identity = status === 200 ? textOf(parseObject(text), 'identity') : undefined;
  if (identity !== undefined) return identity;
  throw new CliError('api', `The platform does not register the cluster: ${messageIn(text) || status}`, {
    code: 'api.refused',
  });
}

const post = (host: Host, { issuer, token, signal }: Registration, body: object) =>
  send(host, {
    method: 'POST',
    url: `${issuer.replace(/\/+$/, '')}/auth/v1/register`,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
    timeoutMs: 30_000,
    maxBytes: 1024 * 1024,
    signal,
  });

const messageIn = (text: string): string =>
  (textOf(parseObject(text), 'message') ?? '')
    .slice(0, 500)
    .replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')
    .trim()
    .replace(/\.$/, '');
