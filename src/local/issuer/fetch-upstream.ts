// Requests to servers that an identity or an identity provider names. Guarantees: https, or http on this machine; never
// link-local addresses, metadata services, or, unless configured, addresses of a private network, whatever a name resolves
// to; no redirect is followed.

import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackHttp, isLoopbackUrl } from '../core/loopback.ts';
import { checkedLookup, isMetadataName, kindOfAddress, plainHost } from '../core/network-address.ts';
import { ask, type OutgoingAnswer } from '../core/outgoing.ts';
import { issuerOriginsVariable } from './issuer-origins.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** Fetches a URL; rejects with an Error whose message is one clause, or resolves whatever the status. */
export type FetchUpstream = (url: URL, request?: UpstreamRequest) => Promise<OutgoingAnswer>;

const maxBytes = 1024 * 1024;
const document: UpstreamRequest = { method: 'GET', headers: {}, timeoutMs: 5_000 };

/** `origins` may be at private addresses. Sends no credential that is not in the request. */
export function createFetchUpstream(origins: ReadonlySet<string>): FetchUpstream {
  return async (url, request = document) => {
    const lookup = allowedLookup(url, origins);
    return ask(url, { ...request, maxBytes, lookup });
  };
}

/** Throws for a URL that is wrong by itself; what its name resolves to is looked at when it is. */
function allowedLookup(url: URL, origins: ReadonlySet<string>): LookupFunction {
  const host = plainHost(url);
  if (url.protocol !== 'https:' && !isLoopbackHttp(url)) throw new Error('it is not an https URL');
  if (isMetadataName(host)) throw new Error('it is a metadata service');
  const check = (address: string): void => {
    const kind = kindOfAddress(address);
    if (kind === 'public' || (kind === 'loopback' && isLoopbackUrl(url))) return;
    if (kind === 'forbidden') throw new Error(`it is at ${address}, where no issuer is`);
    if (!origins.has(url.origin)) {
      throw new Error(`it is at a private address; ${issuerOriginsVariable} names origins that may be`);
    }
  };
  if (isIP(host) !== 0) check(host);
  return checkedLookup(check);
}
