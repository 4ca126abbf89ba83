// Classifies an IP address for a server that connects where others say. Guarantees: an IPv4 address inside an IPv6 one
// counts as itself; what belongs to no host, and every cloud's metadata service, is `forbidden`.

import { type LookupAddress, type LookupAllOptions, lookup as lookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** `private` is what only this network reaches: RFC 1918, shared (RFC 6598) and unique local addresses. */
export type AddressKind = 'forbidden' | 'loopback' | 'private' | 'public';

const forbidden = new BlockList();
const loopback = new BlockList();
const closed = new BlockList();
for (const [address, prefix] of [
  // This network, link-local with the metadata services of most clouds, multicast and broadcast.
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Metadata of Oracle's older cloud, in a range that leads to no host (RFC 6890); of Alibaba Cloud, and of Azure's
  // wire server.
  ['192.0.0.0', 24],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
] as const) {
  forbidden.addSubnet(address, prefix, 'ipv4');
}
for (const [address, prefix] of [
  ['::', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  // Metadata of AWS and of Google, in the range of private addresses.
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
] as const) {
  forbidden.addSubnet(address, prefix, 'ipv6');
}
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
for (const [address, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  closed.addSubnet(address, prefix, 'ipv4');
}
closed.addSubnet('fc00::', 7, 'ipv6');

export function kindOfAddress(address: string): AddressKind {
  const plain = embeddedIpv4(address) ?? address;
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  if (forbidden.check(plain, family)) return 'forbidden';
  if (loopback.check(plain, family)) return 'loopback';
  return closed.check(plain, family) ? 'private' : 'public';
}

const metadataNames: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.azure.internal',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** Without brackets and final dot, in lower case. */
export function plainHost(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

export function isMetadataName(host: string): boolean {
  return metadataNames.has(host);
}

/** Asks for all addresses of a name. */
export type Resolve = (
  name: string,
  options: LookupAllOptions,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Resolves a host and connects only where `check` does not throw, so that a name cannot change its mind between being
 * looked at and being used. `resolve` asks for addresses as `dns.lookup` does.
 */
export function checkedLookup(check: (address: string) => void, resolve: Resolve = lookupAddress): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      try {
        // One bad address among good ones is a trap all the same.
        for (const { address } of addresses) check(address);
      } catch (problem) {
        callback(problem instanceof Error ? problem : new Error(String(problem)), '', 0);
        return;
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else if (first === undefined) callback(new Error('it resolves to no address'), '', 0);
      else callback(null, first.address, first.family);
    });
  };
}

/** The IPv4 address inside one of the IPv6 forms that carry one: mapped, compatible, translated, NAT64, 6to4. */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const words = expand(address.replace(/%.*$/, ''));
  if (words === undefined) return undefined;
  const [first = 0, second = 0, third = 0] = words;
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const isZero = words.slice(0, 5).every((word) => word === 0);
  if (isZero && words[5] === 0xffff) return dotted(words[6], words[7]);
  if (words.slice(0, 4).every((word) => word === 0) && words[4] === 0xffff && words[5] === 0) {
    return dotted(words[6], words[7]);
  }
  // `::` and `::1` are addresses of their own.
  if (isZero && words[5] === 0 && (words[6] ?? 0) !== 0) return dotted(words[6], words[7]);
  if (first === 0x64 && second === 0xff9b) return dotted(words[6], words[7]);
  return first === 0x2002 ? dotted(second, third) : undefined;
}

/** The eight words of an IPv6 address. */
function expand(address: string): number[] | undefined {
  const dotted = /^(.*:)([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(address);
  let text = address;
  if (dotted !== null) {
    const [, head = '', ...parts] = dotted;
    const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
    text = `${head}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const [left = '', right] = text.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  if (gap < 0) return undefined;
  const words = [...head, ...Array<string>(gap).fill('0'), ...tail].map((word) => Number.parseInt(word, 16));
  return words.length === 8 && words.every((word) => word >= 0 && word <= 0xffff) ? words : undefined;
}
