// The public keys of the issuers that this platform simulates, for whoever wants to verify their tokens: at their real address
// there are other keys. Guarantees: public keys only.

import { isIssuerUrl } from '../../trust/issuer-keys.ts';
import type { HttpHandler } from '../core/types.ts';
import { publicKeys } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';

/** `GET /simulated/keys?issuer=URL`: a JWKS, or 404 for an issuer that is not simulated. */
export function createSimulatedKeys(store: Store): HttpHandler {
  return {
    async handle(request, response, { pathname, searchParams }) {
      if (pathname !== '/simulated/keys') return false;
      const issuer = searchParams.get('issuer') ?? '';
      // The platform's own key is filed under a word that is no URL.
      const keys = request.method === 'GET' && isIssuerUrl(issuer) ? publicKeys(store, issuer) : [];
      response.setHeader('content-type', 'application/json; charset=utf-8');
      response.writeHead(keys.length > 0 ? 200 : 404).end(JSON.stringify({ keys }));
      return true;
    },
  };
}
