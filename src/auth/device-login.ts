// Signing in with a code that is typed on any device: RFC 8628 (protocols 2.2). Guarantees: what the server says about
// pace is followed, a code that has expired is not waited for, and nothing but its own hosts is asked.

import { notAnIssuer } from '../api/sts.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { ask, denied, isPassing, pollUntil } from './remote-login.ts';

/** Server that hands out the codes. */
export interface DeviceIssuer {
  readonly clientId: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
}

const grant = 'urn:ietf:params:oauth:grant-type:device_code';
const maxLifetimeSeconds = 1800;

// The public platform's issuer leaves signing in to this one (protocols 1.6, 2.2).
const elsewhere: Readonly<Record<string, { readonly issuer: string; readonly clientId: string }>> = {
  'https://issuer.enforce.dev': {
    issuer: 'https://auth.chainguard.dev/',
    clientId: 'Hvqy7yoEhI8TY1zX9rPrsdcIntDz9yh2',
  },
};

/** Returns where to ask for a code, or undefined when this platform has no such way. */
export async function deviceIssuer(
  host: Host,
  platformIssuer: string,
  signal: AbortSignal | undefined,
): Promise<DeviceIssuer | undefined> {
  const { issuer, clientId } = elsewhere[platformIssuer] ?? { issuer: platformIssuer, clientId: 'auth0' };
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { status, body } = await ask(host, url, undefined, signal, 3_000);
  // Another issuer's word is not taken (protocols 2.2).
  if (status !== 200 || body['issuer'] !== issuer) throw notAnIssuer(issuer);
  const authorizationEndpoint = body['device_authorization_endpoint'];
  const tokenEndpoint = body['token_endpoint'];
  if (typeof authorizationEndpoint !== 'string' || typeof tokenEndpoint !== 'string') return undefined;
  // A code is a credential: it goes nowhere less safe than where it came from.
  for (const endpoint of [authorizationEndpoint, tokenEndpoint]) {
    const isAsSafe = URL.canParse(endpoint) && (endpoint.startsWith('https:') || issuer.startsWith('http:'));
    if (!isAsSafe) throw notAnIssuer(issuer);
  }
  return { clientId, authorizationEndpoint, tokenEndpoint };
}

/** The ID token of whoever signed in; it still has to be exchanged. Throws kind `auth` when they would not. */
export async function deviceLogin(host: Host, issuer: DeviceIssuer, signal: AbortSignal | undefined): Promise<string> {
  const { clientId } = issuer;
  const { status, body } = await ask(
    host,
    issuer.authorizationEndpoint,
    { client_id: clientId, scope: 'openid email profile' },
    signal,
  );
  const text = (name: string) => (typeof body[name] === 'string' ? body[name] : '');
  const number = (name: string, fallback: number) => (typeof body[name] === 'number' ? body[name] : fallback);
  const [deviceCode, userCode, address] = [text('device_code'), text('user_code'), text('verification_uri')];
  if (status !== 200 || deviceCode === '' || !isShowable(userCode) || !isShowable(address)) {
    throw notAnIssuer(new URL(issuer.authorizationEndpoint).origin);
  }
  const lifeSeconds = Math.min(number('expires_in', 900), maxLifetimeSeconds);
  host.stderr.write(`Enter the verification code ${userCode} in your browser at: ${address}\n`);
  host.stderr.write(`Code will be valid for ${lifeSeconds} seconds\n`);

  let pauseMs = Math.min(Math.max(number('interval', 5), 1), 60) * 1000;
  const poll = async (): Promise<string | undefined> => {
    const form = { client_id: clientId, grant_type: grant, device_code: deviceCode };
    let answer: Awaited<ReturnType<typeof ask>>;
    try {
      answer = await ask(host, issuer.tokenEndpoint, form, signal);
    } catch (error) {
      if (!isPassing(error)) throw error;
      // RFC 8628, 3.5: back off when the connection fails.
      pauseMs = Math.min(pauseMs * 2, 60_000);
      return undefined;
    }
    if (answer.status === 200) {
      const token = answer.body['id_token'];
      if (typeof token !== 'string' || token === '') throw notAnIssuer(new URL(issuer.tokenEndpoint).origin);
      return token;
    }
    switch (answer.body['error']) {
      case 'authorization_pending':
        return undefined;
      case 'slow_down':
        pauseMs += 5_000;
        return undefined;
      case 'access_denied':
        throw denied();
      case 'expired_token':
        throw expired();
      default:
        if (answer.status === 429 || answer.status >= 500) return undefined;
        throw notAnIssuer(new URL(issuer.tokenEndpoint).origin);
    }
  };
  const token = await pollUntil(host, host.now() + lifeSeconds * 1000, () => pauseMs, poll, signal);
  if (token === undefined) throw expired();
  host.stderr.write('Token received!\n');
  return token;
}

/** Printed on a terminal, so neither control characters nor tricks of direction. */
function isShowable(text: string): boolean {
  return /^[\x21-\x7e]{1,500}$/.test(text);
}

function expired(): CliError {
  return new CliError('timeout', 'The verification code has expired before anybody signed in', {
    code: 'auth.code-expired',
    hint: 'try again with `chainctl auth login`',
  });
}
