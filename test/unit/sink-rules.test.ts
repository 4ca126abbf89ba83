// Where the platform connects to on somebody else's word: each kind of address, in each form, and all addresses of a name.

import { describe, expect, test } from 'vitest';
import { type AddressKind, checkedLookup, kindOfAddress, type Resolve } from '../../src/local/core/network-address.ts';
import { checkAddress, parseSink, sinkLookup } from '../../src/local/events/sink-rules.ts';

const kinds: Readonly<Record<AddressKind, readonly string[]>> = {
  // Each range by its first and last address, and each address that stands alone.
  forbidden: [
    '0.0.0.0',
    '0.255.255.255',
    '169.254.0.0',
    '169.254.169.254',
    '169.254.255.255',
    '192.0.0.0',
    '192.0.0.192',
    '192.0.0.255',
    '100.100.100.200',
    '168.63.129.16',
    '224.0.0.0',
    '239.255.255.255',
    '240.0.0.0',
    '255.255.255.255',
    '::',
    'fe80::',
    'fe80::1%eth0',
    'febf::ffff',
    'fec0::1',
    'feff::1',
    'ff02::1',
    'fd00:ec2::254',
    'fd20:ce::254',
  ],
  loopback: ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    'fc00::1',
    'fdff::1',
    'fd00:ec2::253',
  ],
  public: [
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '191.255.255.255',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '::2:0:0',
  ],
};

const ipv4 = (kind: AddressKind) => kinds[kind].filter((address) => address.includes('.'));
const hex = (address: string) => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
};
/** IPv6 forms that carry an IPv4 address. */
const forms: Readonly<Record<string, (address: string) => string>> = {
  mapped: (address) => `::ffff:${address}`,
  'mapped, in hexadecimal': (address) => `::ffff:${hex(address)}`,
  'mapped, in full': (address) => `0:0:0:0:0:ffff:${hex(address)}`,
  translated: (address) => `::ffff:0:${address}`,
  NAT64: (address) => `64:ff9b::${address}`,
  '6to4': (address) => `2002:${hex(address)}::1`,
};

describe.each(Object.keys(kinds) as AddressKind[])('%s', (kind) => {
  test.each(kinds[kind])('%s', (address) => expect(kindOfAddress(address)).toBe(kind));

  test.each(Object.keys(forms))('%s addresses count as what they carry', (form) => {
    const carried = ipv4(kind).map((address) => forms[form]?.(address) ?? '');
    expect(carried.map((address) => [address, kindOfAddress(address)])).toEqual(
      carried.map((address) => [address, kind]),
    );
  });
});

test('a compatible address counts as what it carries, except those that are something of their own', () => {
  expect(['::169.254.169.254', '::10.0.0.1', '::8.8.8.8'].map(kindOfAddress)).toEqual([
    'forbidden',
    'private',
    'public',
  ]);
});

describe('names with several addresses', () => {
  const resolver =
    (addresses: readonly string[]): Resolve =>
    (_name, _options, answer) =>
      answer(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  const outcome = (sink: string, addresses: readonly string[], all = false) =>
    new Promise<unknown>((resolve) => {
      const lookup = sinkLookup(parseSink(sink), resolver(addresses));
      lookup('name.example', { all }, (error, found) => resolve(error === null ? found : error.message));
    });
  const [https, local] = ['https://name.example/', 'http://hook.localhost/'];
  const good = '93.184.216.34';

  test.each([
    [https, good, '169.254.169.254'],
    [https, good, '::ffff:169.254.169.254'],
    [https, good, 'fd00:ec2::254'],
    [https, '2606:4700::1111', '0.0.0.0'],
    [local, '127.0.0.1', good],
    [local, '127.0.0.1', '10.0.0.1'],
    [local, '::1', '169.254.169.254'],
  ])('%s at %s and %s is refused, in any order and number', async (sink, fine, bad) => {
    const refused = /where no events are sent|must be https/;
    for (const list of [[bad], [bad, fine], [fine, bad], [fine, fine, bad], [fine, bad, fine]]) {
      for (const all of [false, true]) expect(await outcome(sink, list, all), list.join()).toMatch(refused);
    }
  });

  test('the first of good ones is given, or all of them', async () => {
    expect(await outcome(https, [good, '10.0.0.1'])).toBe(good);
    expect(await outcome(https, [good, '10.0.0.1'], true)).toEqual([
      { address: good, family: 4 },
      { address: '10.0.0.1', family: 4 },
    ]);
    expect(await outcome(https, [])).toBe('it resolves to no address');
  });

  test('a name server that fails is told', async () => {
    const failing: Resolve = (_name, _options, answer) => answer(new Error('SERVFAIL'), []);
    const lookup = checkedLookup(() => expect.fail('nothing is to be checked'), failing);
    await new Promise<void>((resolve) => {
      lookup('name.example', {}, (error) => {
        expect(error?.message).toBe('SERVFAIL');
        resolve();
      });
    });
  });
});

describe('sinks', () => {
  test.each([
    ['not a url', 'is not a URL'],
    [`https://x.example/${'a'.repeat(2048)}`, 'is not a URL'],
    ['ftp://x.example/', 'is not an https URL'],
    ['https://user@x.example/', 'must not hold a user name or a password'],
    ['https://:secret@x.example/', 'must not hold a user name or a password'],
    ['https://x.example/#part', 'must not have a fragment'],
    ['https://169.254.169.254/', 'leads to 169.254.169.254, where no events are sent'],
    ['https://2852039166/', 'leads to 169.254.169.254, where no events are sent'],
    ['https://0xa9fea9fe/', 'leads to 169.254.169.254, where no events are sent'],
    ['https://[::ffff:a9fe:a9fe]/', 'leads to ::ffff:a9fe:a9fe, where no events are sent'],
    ['http://93.184.216.34/', 'must be https, unless it is on this machine'],
    ['http://10.0.0.1/', 'must be https, unless it is on this machine'],
    ['http://x.example/', 'must be https, unless it is on this machine'],
    ['http://localhost.example/', 'must be https, unless it is on this machine'],
    ['http://notlocalhost/', 'must be https, unless it is on this machine'],
  ])('%s %s', (sink, message) => {
    expect(() => parseSink(sink)).toThrow(message);
  });

  test.each([
    'https://x.example/a?b=c',
    'https://10.0.0.1/',
    'http://localhost:1/',
    'http://a.localhost./',
    'http://[::1]/',
  ])('%s is one', (sink) => expect(() => parseSink(sink)).not.toThrow());

  test.each([
    'metadata',
    'METADATA.google.internal.',
    'metadata.azure.internal',
    'instance-data',
    'instance-data.ec2.internal',
  ])('https://%s/ names a metadata service', (name) =>
    expect(() => parseSink(`https://${name}/`)).toThrow('names a metadata service'),
  );

  test('http goes to this machine only, https anywhere that is allowed', () => {
    for (const kind of Object.keys(kinds) as AddressKind[]) {
      for (const address of kinds[kind]) {
        const https = () => checkAddress(new URL('https://x.example/'), address);
        const http = () => checkAddress(new URL('http://x.localhost/'), address);
        if (kind === 'forbidden') expect(https, address).toThrow('where no events are sent');
        else expect(https, address).not.toThrow();
        if (kind === 'loopback') expect(http, address).not.toThrow();
        else expect(http, address).toThrow();
      }
    }
  });
});
