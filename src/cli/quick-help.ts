// Help as the build has laid it out for 80 columns, told before anything else is loaded. Every other width, and a terminal, gets
// it from help.ts.

import { fstatSync, writeSync } from 'node:fs';

/** Returns whether standard output is a file or a pipe, and nobody has said how wide it is. */
export function isEightyColumns(columns: string | undefined): boolean {
  try {
    return !columns && !fstatSync(1).isCharacterDevice();
  } catch {
    return false;
  }
}

/** Writes it to standard output. Returns whether all of it was written; why not is for somebody else to explain. */
export function writesAll(bytes: Uint8Array): boolean {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(1, bytes, offset);
    } catch (error) {
      if (offset === 0 || (error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
      // A pipe that another process made non-blocking is full: wait for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return true;
}
