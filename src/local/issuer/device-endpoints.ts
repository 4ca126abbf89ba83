// The endpoints of RFC 8628 over HTTP: forms in, JSON out, errors in OAuth's words and not in those of the API.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from '../http/answers.ts';
import { readText } from '../http/request-body.ts';
import type { DeviceCodes } from './device-codes.ts';
import { deviceGrant } from './discovery.ts';

const maxFormBytes = 16 * 1024;
const idTokenSeconds = 600;

export async function serveDeviceCode(
  request: IncomingMessage,
  response: ServerResponse,
  devices: DeviceCodes,
  issuer: string,
): Promise<void> {
  const form = await formOf(request, response);
  if (form === undefined) return;
  const clientId = form.get('client_id') ?? '';
  if (!/^[\x21-\x7e]{1,100}$/.test(clientId)) return refuse(response, 'invalid_request');
  if (!(form.get('scope') ?? '').split(' ').includes('openid')) return refuse(response, 'invalid_scope');
  const started = devices.start(clientId);
  if (started === 'too-many') {
    const error_description = 'too many codes of this client are waiting; they end after fifteen minutes';
    return sendJson(response, 429, JSON.stringify({ error: 'slow_down', error_description }));
  }
  const { deviceCode, userCode, expiresInSeconds, intervalSeconds } = started;
  const answer = {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: `${issuer}/activate`,
    verification_uri_complete: `${issuer}/activate?user_code=${userCode}`,
    expires_in: expiresInSeconds,
    interval: intervalSeconds,
  };
  sendJson(response, 200, JSON.stringify(answer));
}

export async function serveDeviceToken(
  request: IncomingMessage,
  response: ServerResponse,
  devices: DeviceCodes,
): Promise<void> {
  const form = await formOf(request, response);
  if (form === undefined) return;
  if (form.get('grant_type') !== deviceGrant) return refuse(response, 'unsupported_grant_type');
  const poll = devices.poll(form.get('device_code') ?? '', form.get('client_id') ?? '');
  if ('error' in poll) return refuse(response, poll.error);
  // OAuth wants an access token; this issuer's are had by exchanging the ID token, so there is no other.
  const answer = {
    id_token: poll.idToken,
    access_token: poll.idToken,
    token_type: 'Bearer',
    expires_in: idTokenSeconds,
    scope: 'openid email profile',
  };
  sendJson(response, 200, JSON.stringify(answer));
}

async function formOf(request: IncomingMessage, response: ServerResponse): Promise<URLSearchParams | undefined> {
  if (request.method === 'POST') return new URLSearchParams(await readText(request, maxFormBytes));
  response.setHeader('allow', 'POST');
  sendJson(response, 405, JSON.stringify({ error: 'invalid_request' }));
  return undefined;
}

function refuse(response: ServerResponse, error: string): void {
  sendJson(response, 400, JSON.stringify({ error }));
}
