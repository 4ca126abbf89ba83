// An ad-hoc signature for a Mach-O executable, made anywhere. Apple silicon starts nothing without one, and Bun's is either
// spoiled by what is put into the runtime or missing. Layout: xnu's osfmk/kern/cs_blobs.h (SuperBlob, CodeDirectory
// 0x20400); numbers in it are big-endian, those of the Mach-O headers little-endian.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const magic64 = 0xfeedfacf;
const segment64 = 0x19;
const codeSignature = 0x1d;
const pageBits = 12;
const pageSize = 2 ** pageBits;
const hashSize = 32;
const superBlobSize = 20;
const directorySize = 88;

/** Replaces the signature of the file at `path`. Throws when it is no 64-bit Mach-O with room for one. */
export function signMachO(path, identifier) {
  const file = readFileSync(path);
  const { signature, linkedit, text } = commands(file);
  const limit = file.readUInt32LE(signature + 8);
  const size = signatureSize(limit, identifier);
  const start = Number(file.readBigUInt64LE(linkedit + 40));
  const length = limit + size - start;

  file.writeUInt32LE(size, signature + 12);
  file.writeBigUInt64LE(BigInt(length), linkedit + 48);
  // Pages of Apple silicon are 16 KiB, and those of Intel divide them.
  file.writeBigUInt64LE(BigInt(Math.ceil(length / 0x4000) * 0x4000), linkedit + 32);

  const signed = file.subarray(0, limit);
  const textLimit = file.readBigUInt64LE(text + 48);
  writeFileSync(path, Buffer.concat([signed, superBlob(signed, identifier, textLimit, size)]));
}

/** Where three load commands begin: the signature's, and those of the segments __LINKEDIT and __TEXT. */
function commands(file) {
  if (file.readUInt32LE(0) !== magic64) throw new Error('release: not a 64-bit Mach-O file');
  const found = {};
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left -= 1) {
    const kind = file.readUInt32LE(at);
    if (kind === codeSignature) found.signature = at;
    if (kind === segment64) {
      const name = file.toString('latin1', at + 8, at + 24).replace(/\0.*$/s, '');
      if (name === '__LINKEDIT') found.linkedit = at;
      if (name === '__TEXT') found.text = at;
    }
    at += file.readUInt32LE(at + 4);
  }
  for (const name of ['signature', 'linkedit', 'text']) {
    if (found[name] === undefined) throw new Error(`release: the Mach-O file has no load command for its ${name}`);
  }
  return found;
}

const identSize = (identifier) => Buffer.byteLength(identifier) + 1;
const slots = (limit) => Math.ceil(limit / pageSize);

/** Rounded up to 16 bytes, as the loader wants the end of __LINKEDIT. */
function signatureSize(limit, identifier) {
  const exact = superBlobSize + directorySize + identSize(identifier) + slots(limit) * hashSize;
  return Math.ceil(exact / 16) * 16;
}

function superBlob(signed, identifier, textLimit, size) {
  const blob = Buffer.alloc(size);
  const identOffset = directorySize;
  const hashOffset = identOffset + identSize(identifier);
  const directoryLength = hashOffset + slots(signed.length) * hashSize;
  blob.writeUInt32BE(0xfade0cc0, 0);
  blob.writeUInt32BE(superBlobSize + directoryLength, 4);
  blob.writeUInt32BE(1, 8);
  blob.writeUInt32BE(0, 12);
  blob.writeUInt32BE(superBlobSize, 16);

  const directory = blob.subarray(superBlobSize);
  directory.writeUInt32BE(0xfade0c02, 0);
  directory.writeUInt32BE(directoryLength, 4);
  directory.writeUInt32BE(0x20400, 8);
  // Ad hoc, and made by what linked it: such a signature needs no requirements and no certificate.
  directory.writeUInt32BE(0x20002, 12);
  directory.writeUInt32BE(hashOffset, 16);
  directory.writeUInt32BE(identOffset, 20);
  directory.writeUInt32BE(slots(signed.length), 28);
  directory.writeUInt32BE(signed.length, 32);
  directory.writeUInt8(hashSize, 36);
  directory.writeUInt8(2, 37);
  directory.writeUInt8(pageBits, 39);
  directory.writeBigUInt64BE(textLimit, 72);
  directory.writeBigUInt64BE(1n, 80);
  directory.write(identifier, identOffset, 'utf8');
  for (let page = 0; page < slots(signed.length); page += 1) {
    const bytes = signed.subarray(page * pageSize, (page + 1) * pageSize);
    createHash('sha256')
      .update(bytes)
      .digest()
      .copy(directory, hashOffset + page * hashSize);
  }
  return blob;
}
