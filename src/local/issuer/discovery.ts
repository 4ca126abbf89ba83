// Discovery and keys of the issuer. Apart from the rest of it, because clients ask for them before anything else.

import type { IncomingMessage } from 'node:http';
import { grpcCodes } from '../../api/status.ts';
import { type HttpHandler, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson } from '../http/answers.ts';
import type { Store } from '../store/database.ts';

export const deviceCodePath = '/oauth/device/code';
export const tokenPath = '/oauth/token';
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const jwksPath = '/.well-known/jwks.json';

export function createDiscovery({ store, urls }: { readonly store: Store; readonly urls: PlatformUrls }): HttpHandler {
  return {
    async handle(request, response, url) {
      switch (url.pathname) {
        case '/.well-known/openid-configuration':
          requireGet(request);
          sendJson(response, 200, JSON.stringify(discovery(urls.issuer)));
          return true;
        case jwksPath: {
          requireGet(request);
          const { platformKeyOwner, publicKeys, signingKey } = await import('../keys/signing-keys.ts');
          await signingKey(store, platformKeyOwner);
          sendJson(response, 200, JSON.stringify({ keys: publicKeys(store, platformKeyOwner) }));
          return true;
        }
        default:
          return false;
      }
    },
  };
}

/** OpenID Connect discovery (protocols 4.3): only what is served is listed. */
function discovery(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth`,
    device_authorization_endpoint: `${issuer}${deviceCodePath}`,
    token_endpoint: `${issuer}${tokenPath}`,
    grant_types_supported: [deviceGrant],
    token_endpoint_auth_methods_supported: ['none'],
    jwks_uri: `${issuer}${jwksPath}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['act', 'aud', 'cap', 'email', 'email_verified', 'exp', 'iat', 'iss', 'sub', 'upstream'],
  };
}

export function requireGet(request: IncomingMessage): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
  }
}
