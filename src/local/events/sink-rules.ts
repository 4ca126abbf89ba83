// Decides where events may be sent. Guarantees: https anywhere, http only to this machine; never to link-local
// addresses, where clouds answer for the machine's own credentials, nor to anything but one host, whatever a name
// resolves to.

import { isIP, type LookupFunction } from 'node:net';
import { checkedLookup, isMetadataName, kindOfAddress, plainHost, type Resolve } from '../core/network-address.ts';

/** Why an event is not sent there; a clause about the sink. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
}

const maxSinkLength = 2048;

/** Reads a sink as it may be subscribed. Throws SinkError. What its name resolves to is for `sinkLookup` to check. */
export function parseSink(text: string): URL {
  const url = text.length <= maxSinkLength && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new SinkError('is not a URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new SinkError('is not an https URL');
  if (url.username !== '' || url.password !== '') throw new SinkError('must not hold a user name or a password');
  if (url.hash !== '') throw new SinkError('must not have a fragment');
  const host = plainHost(url);
  if (isMetadataName(host)) throw new SinkError('names a metadata service');
  if (isIP(host) !== 0) checkAddress(url, host);
  else if (url.protocol === 'http:' && host !== 'localhost' && !host.endsWith('.localhost')) {
    throw new SinkError('must be https, unless it is on this machine');
  }
  return url;
}

/** Connects only to addresses that are allowed, whatever the sink's name resolves to. */
export function sinkLookup(url: URL, resolve?: Resolve): LookupFunction {
  return checkedLookup((address) => checkAddress(url, address), resolve);
}

/** Throws SinkError unless events of this sink may go to the address. */
export function checkAddress(url: URL, address: string): void {
  const kind = kindOfAddress(address);
  if (kind === 'forbidden') throw new SinkError(`leads to ${address}, where no events are sent`);
  if (url.protocol === 'http:' && kind !== 'loopback') {
    throw new SinkError('must be https, unless it is on this machine');
  }
}
