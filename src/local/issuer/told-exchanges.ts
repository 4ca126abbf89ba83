// Tells the platform of exchanges and sign-ins, refused ones included. Guarantees: issuer and subject of a token are told,
// and never the token.

import type { OidcRawToken, OidcTokenPair } from '../../api/schema/types/oidc.gen.ts';
import { grpcCodes } from '../../api/status.ts';
import type { Occurrence, OnOccurrence } from '../core/occurrence.ts';
import { StatusError } from '../core/types.ts';
import { decodeJwt } from '../keys/jwt.ts';
import { ownerOf, type Sts } from './sts.ts';

/** Returns the same exchanges, with each one told. */
export function tellOfExchanges(sts: Sts, tell: OnOccurrence): Sts {
  const recorded = async <T extends OidcRawToken | OidcTokenPair>(
    about: Pick<Occurrence, 'kind' | 'operation'>,
    wanted: { readonly identity?: string | undefined; readonly bearer?: string },
    work: () => Promise<T>,
  ): Promise<T> => {
    const occurrence = { ...about, capabilities: [], isRead: false, ...presentedBy(wanted.bearer) };
    try {
      const answer = await work();
      const issued = 'refreshToken' in answer && typeof answer.token === 'object' ? answer.token : answer;
      const identity = ownerOf(issued as OidcRawToken);
      tell({ ...occurrence, identity, place: identity, outcome: 'done' });
      return answer;
    } catch (error) {
      const isRefused = error instanceof StatusError && refusedCodes.has(error.code);
      const reason = isRefused ? { reason: error.message } : {};
      tell({
        ...occurrence,
        identity: undefined,
        place: wanted.identity,
        outcome: isRefused ? 'refused' : 'failed',
        ...reason,
      });
      throw error;
    }
  };
  return {
    ...sts,
    exchange: (bearer, request) =>
      recorded({ kind: 'exchange', operation: 'exchange' }, { identity: request.identity, bearer }, () =>
        sts.exchange(bearer, request),
      ),
    exchangeRefreshToken: (bearer, request) =>
      recorded({ kind: 'exchange', operation: 'refresh' }, {}, () => sts.exchangeRefreshToken(bearer, request)),
    signIn: (login) =>
      recorded({ kind: 'sign-in', operation: 'sign-in' }, { identity: login.identity }, () => sts.signIn(login)),
  };
}

const refusedCodes: ReadonlySet<number> = new Set([
  grpcCodes.NOT_FOUND,
  grpcCodes.PERMISSION_DENIED,
  grpcCodes.UNAUTHENTICATED,
]);

/** Issuer and subject of a token, and never the token. */
function presentedBy(bearer = ''): { readonly presented?: string } {
  try {
    const { issuer, subject } = decodeJwt(bearer);
    return { presented: `${issuer} ${subject}` };
  } catch {
    return {};
  }
}
