// Sets of capabilities as the `cap` claim of an access token carries them (semantics 3.2): base64url, padded, of
// big-endian 64-bit words, the first being the number of bits. Reading never fails on capabilities it does not know.

import { capabilities } from './schema/capabilities.gen.ts';

const byName = new Map(capabilities.map((capability) => [capability.name, capability]));
const wordBits = 64;
const wordBytes = 8;
const fewestBits = 50;

/** The encoded set of these dotted names. Throws a RangeError for a name that no capability has. */
export function encodeCapabilities(names: Iterable<string>): string {
  const bits = Array.from(names, (name) => {
    const capability = byName.get(name);
    if (capability === undefined) throw new RangeError(`"${name}" is not a capability`);
    return capability.bit;
  });
  const length = bits.reduce((most, bit) => Math.max(most, bit + 1), fewestBits);
  const bytes = new Uint8Array(wordBytes * (1 + Math.ceil(length / wordBits)));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length));
  for (const bit of bits) {
    const index = byteOf(bit);
    bytes[index] = (bytes[index] ?? 0) | (1 << (bit % 8));
  }
  const text = Buffer.from(bytes).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/**
 * The dotted names in an encoded set, in ascending enum number. Also takes the older form, a list of enum numbers.
 * Bits and numbers that this version does not know are left out. Throws a RangeError when it is neither form.
 */
export function decodeCapabilities(encoded: unknown): string[] {
  if (Array.isArray(encoded)) {
    const numbers = new Set<unknown>(encoded);
    return capabilities.filter(({ number }) => numbers.has(number)).map(({ name }) => name);
  }
  if (typeof encoded !== 'string' || !/^[\w-]*={0,2}$/.test(encoded)) {
    throw new RangeError('The capability set is neither base64url text nor a list of numbers');
  }
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.length < wordBytes || bytes.length % wordBytes !== 0) {
    throw new RangeError('The capability set is not a whole number of 64-bit words');
  }
  const length = bytes.readBigUInt64BE(0);
  if (BigInt(bytes.length / wordBytes - 1) !== (length + 63n) / 64n) {
    throw new RangeError('The capability set is not as long as it says');
  }
  return capabilities
    .filter(({ bit }) => BigInt(bit) < length && ((bytes[byteOf(bit)] ?? 0) & (1 << (bit % 8))) !== 0)
    .map(({ name }) => name);
}

/** These dotted names in ascending enum number, without duplicates and without names that no capability has. */
export function sortCapabilities(names: Iterable<string>): string[] {
  const wanted = new Set(names);
  return capabilities.filter(({ name }) => wanted.has(name)).map(({ name }) => name);
}

/** Words follow the length word and are big-endian: bit 0 of a word is in its last byte. */
function byteOf(bit: number): number {
  const word = 1 + Math.floor(bit / wordBits);
  return word * wordBytes + (wordBytes - 1) - Math.floor((bit % wordBits) / 8);
}
